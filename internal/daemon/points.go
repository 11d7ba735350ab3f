package daemon

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/internal/schedule"
)

// pointBackoff is between tries of a restore point that could not be made.
var pointBackoff = backoff.Backoff{First: time.Minute, Most: 15 * time.Minute}

// lookAgain bounds how long is waited before the clock is looked at again: it may have been set, and
// the machine may have slept.
const lookAgain = 30 * time.Second

// PointMade is what became of a restore point that was due.
type PointMade struct {
	ID appbur.RestorePointID
	// Partial points lack something that the log says, such as the applications that are Missing.
	Partial bool
	Missing []appbur.AppKey
	// Unchanged says that none was made, because nothing has changed since the point ID.
	Unchanged bool
	// Replicated says that as many remotes as required hold it. Unreplicated is why they do not, for one that
	// counts only when they do; both are empty for one that counts in any case.
	Replicated   bool
	Unreplicated error
}

// PointOptions say when and how restore points are made.
type PointOptions struct {
	Schedules []*schedule.Schedule
	// Made is when the newest point of each schedule was made, by name.
	Made map[string]time.Time
	// Make makes one point for the named schedules, or for somebody who asked if there is none.
	Make func(ctx context.Context, schedules []string) (PointMade, error)
	// Replicate brings the remotes up to date for the sake of a point that counts only when they hold it. It is called
	// until it has no error. It is needed where [PointMade.Unreplicated] or Unsure is set.
	Replicate func(ctx context.Context, id appbur.RestorePointID) error
	// Unsure is a point of an earlier run that counts only when remotes hold it, "" if there is none.
	Unsure appbur.RestorePointID
	// Now is the clock.
	Now func() time.Time
	Log *slog.Logger
	// Hint is the next step after an error that is logged; nil means [appbur.HintOf].
	Hint func(error) string
}

// Points makes restore points when they are due and when somebody asks, one at a time. What
// several schedules are due for is one point.
type Points struct {
	o    PointOptions
	made map[string]time.Time
	asks chan chan<- answer
	// failures counts tries that came to nothing, one after the other; the next is not before retry.
	failures int
	retry    time.Time
	// waiting is the point that too few remotes hold, nil if there is none.
	waiting *waitingPoint
}

// answer is what somebody waits for who asked for a point.
type answer struct {
	made PointMade
	err  error
}

// NewPoints returns what makes restore points. A schedule that has none yet is due at once.
func NewPoints(o PointOptions) *Points {
	if o.Hint == nil {
		o.Hint = appbur.HintOf
	}
	made := make(map[string]time.Time, len(o.Schedules))
	for _, s := range o.Schedules {
		made[s.Name()] = o.Made[s.Name()]
	}
	p := &Points{o: o, made: made, asks: make(chan chan<- answer)}
	if o.Unsure != "" {
		p.waiting = &waitingPoint{id: o.Unsure, made: map[string]time.Time{}}
	}
	return p
}

// Ask makes a point now and waits for it. While another one is made it waits for its turn. It needs a
// [Points.Run] that runs.
func (p *Points) Ask(ctx context.Context) (PointMade, error) {
	if err := ctx.Err(); err != nil {
		return PointMade{}, err
	}
	answered := make(chan answer, 1)
	select {
	case p.asks <- answered:
	case <-ctx.Done():
		return PointMade{}, ctx.Err()
	}

	select {
	case a := <-answered:
		return a.made, a.err
	case <-ctx.Done():
		return PointMade{}, ctx.Err()
	}
}

// Run makes points until ctx ends.
func (p *Points) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if ctx.Err() != nil { // beside a timer that is over as well, a select might pass it by
			return
		}
		select {
		case <-ctx.Done():
			return
		case asked := <-p.asks:
			made, err := p.make(ctx, nil)
			asked <- answer{made, err}
		case <-timer.C:
		}

		p.replicate(ctx)
		if due := p.due(); len(due) > 0 && ctx.Err() == nil {
			_, _ = p.make(ctx, due) // the log says what became of it
		}
		timer.Reset(p.pause())
	}
}

// due are the names of the schedules that a point is due for.
func (p *Points) due() []string {
	now := p.o.Now()
	if now.Before(p.retry) && p.retry.Sub(now) <= pointBackoff.Most {
		return nil
	}
	var due []string
	for _, s := range p.o.Schedules {
		last := p.last(s.Name())
		if last.After(now) {
			p.o.Log.Warn("the clock was set back, or a point is of a clock that was ahead; the schedule goes on from now", "schedule", s.Name(),
				"last", last.UTC().Format(time.RFC3339), "now", now.UTC().Format(time.RFC3339))
			p.note(s.Name(), now)
			last = now
		}
		if last.IsZero() || !s.Next(last).After(now) {
			due = append(due, s.Name())
		}
	}
	return due
}

// pause is how long nothing will be due.
func (p *Points) pause() time.Duration {
	now := p.o.Now()
	pause := lookAgain
	for _, s := range p.o.Schedules {
		next := s.Next(p.last(s.Name()))
		if next.Before(p.retry) {
			next = p.retry
		}
		pause = min(pause, next.Sub(now))
	}
	if p.waiting != nil {
		pause = min(pause, p.waiting.again.Sub(now))
	}
	return max(pause, 0)
}

// make makes one point and notes for whom.
func (p *Points) make(ctx context.Context, due []string) (PointMade, error) {
	began := p.o.Now()
	p.tellMissed(due, began)
	made, err := p.o.Make(ctx, slices.Clone(due))
	names := strings.Join(due, ",")
	if len(due) == 0 {
		names = "asked for"
	}

	switch {
	case ctx.Err() != nil:
		return made, ctx.Err()
	case err != nil:
		pause := pointBackoff.Delay(p.failures)
		if len(due) > 0 {
			p.failures++
			p.retry = p.o.Now().Add(pause)
		}
		p.o.Log.Error("no restore point was made", "schedule", names, "reason", err.Error(), "hint", p.o.Hint(err), "again", pause)
		return made, err
	case made.Unchanged:
		p.o.Log.Info("nothing has changed since the last restore point, so no new one was made", "schedule", names, "point", made.ID)
	case made.Partial:
		p.o.Log.Warn("made a restore point that is partial", "schedule", names, "point", made.ID, "took", p.o.Now().Sub(began))
	default:
		p.o.Log.Info("made a restore point", "schedule", names, "point", made.ID, "took", p.o.Now().Sub(began))
	}

	p.failures, p.retry = 0, time.Time{}
	p.count(made, due, began)
	return made, nil
}

// tellMissed logs points that were due while nobody made them.
func (p *Points) tellMissed(due []string, now time.Time) {
	for _, s := range p.o.Schedules {
		last := p.last(s.Name())
		if last.IsZero() || !slices.Contains(due, s.Name()) {
			continue
		}
		first := s.Next(last)
		if second := s.Next(first); !second.After(now) && p.failures == 0 {
			p.o.Log.Warn("restore points were missed; one is made now", "schedule", s.Name(), "since", first.UTC().Format(time.RFC3339))
		}
	}
}
