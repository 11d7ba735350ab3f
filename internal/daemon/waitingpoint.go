package daemon

import (
	"context"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
)

// replicateBackoff is between tries to bring a point to remotes.
var replicateBackoff = backoff.Backoff{First: 2 * time.Second, Most: time.Minute}

// waitingPoint is a restore point that does not count before remotes hold it. Its schedules are due again at their next
// time only, because another point would be in the same place.
type waitingPoint struct {
	id appbur.RestorePointID
	// made is when it was begun for each schedule.
	made     map[string]time.Time
	failures int
	again    time.Time
}

// last is when a point was begun for a schedule, whether it counts or not.
func (p *Points) last(name string) time.Time {
	last := p.made[name]
	if p.waiting != nil && p.waiting.made[name].After(last) {
		last = p.waiting.made[name]
	}
	return last
}

// note notes when a point was begun for a schedule, and takes back what was noted of it.
func (p *Points) note(name string, at time.Time) {
	p.made[name] = at
	if p.waiting != nil {
		delete(p.waiting.made, name)
	}
}

// count counts a point as made, or has it wait. Remotes that hold it hold those before it as well.
func (p *Points) count(made PointMade, due []string, began time.Time) {
	if made.Unreplicated == nil {
		if made.Replicated {
			p.settle()
		}
		for _, name := range due {
			p.note(name, began)
		}
		return
	}

	if p.waiting == nil {
		p.waiting = &waitingPoint{made: map[string]time.Time{}}
	}
	p.waiting.id = made.ID
	for _, name := range due {
		p.waiting.made[name] = began
	}
	p.delay(made.Unreplicated)
}

// delay says that a point does not count yet, and when that is tried again.
func (p *Points) delay(reason error) {
	pause := replicateBackoff.Delay(p.waiting.failures)
	p.waiting.failures++
	p.waiting.again = p.o.Now().Add(pause)
	p.o.Log.Error("a restore point is not durable: too few remotes hold it, so it does not count yet", "point", p.waiting.id,
		"reason", reason.Error(), "hint", p.o.Hint(reason), "again", pause)
}

// replicate tries again to bring the point that waits to remotes.
func (p *Points) replicate(ctx context.Context) {
	if p.waiting == nil || p.o.Now().Before(p.waiting.again) || ctx.Err() != nil {
		return
	}
	err := p.o.Replicate(ctx, p.waiting.id)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.delay(err)
	default:
		p.settle()
	}
}

// settle counts the point that waited as made.
func (p *Points) settle() {
	if p.waiting == nil {
		return
	}
	if p.waiting.failures > 0 {
		p.o.Log.Info("the restore point is durable now", "point", p.waiting.id)
	}
	for name, at := range p.waiting.made {
		p.made[name] = at
	}
	p.waiting = nil
}
