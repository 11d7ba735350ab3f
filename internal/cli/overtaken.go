package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/internal/metrics"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

// errOvertaken means that a remote has what this copy does not have, so that nothing can be pushed to it.
var errOvertaken = errors.New("a remote holds what another process has written")

// overtakenBackoff is how long a watch goes on at least after it began anew: a remote whose history cannot be joined stays as
// it is, and must not keep commits from being made.
var overtakenBackoff = backoff.Backoff{First: 5 * time.Second, Most: time.Hour}

// overtaking tells a watch that others have written to a remote.
type overtaking struct {
	now func() time.Time
	// notBefore is when it counts again, times how often it has counted without a longer pause.
	notBefore time.Time
	times     int
	// end ends the watch that is under way.
	end context.CancelCauseFunc
}

// watch begins a watch, which may be ended from now on.
func (o *overtaking) watch(ctx context.Context) context.Context {
	ctx, o.end = context.WithCancelCause(ctx)
	return ctx
}

// noticing has the watch end when a push finds that a remote is ahead.
func (o *overtaking) noticing(push metrics.Push) metrics.Push {
	return func(ctx context.Context) (*repository.Replication, error) {
		done, err := push(ctx)
		if done == nil || o.now().Before(o.notBefore) {
			return done, err
		}
		for _, r := range done.Remotes {
			if r.State == gitsync.RemoteAhead || r.State == gitsync.RemoteDiverged {
				o.end(fmt.Errorf("%w: %s is %s", errOvertaken, r.Remote, r.State))
			}
		}
		return done, err
	}
}

// again notes that the watch begins anew.
func (o *overtaking) again() {
	now := o.now()
	if now.Sub(o.notBefore) > overtakenBackoff.Delay(o.times) {
		o.times = 0
	}
	o.notBefore = now.Add(overtakenBackoff.Delay(o.times))
	o.times++
}

// work keeps the repository equal to the cluster. Where another process has written to a remote, such as a leader before this
// one whose push arrived late, it begins anew, and goes on from what is there.
func (d *daemonRun) work(ctx context.Context) error {
	for {
		err := d.watchUntilOvertaken(ctx)
		if !errors.Is(err, errOvertaken) || ctx.Err() != nil {
			return err
		}
		d.log.Warn("beginning anew with what the remote holds", "reason", err.Error())
		d.overtaking.again()
	}
}

// watchUntilOvertaken watches and commits. From the moment at which it is overtaken nothing is written any more: what was gathered
// is gathered again, on top of what the remote has.
func (d *daemonRun) watchUntilOvertaken(ctx context.Context) error {
	watching := d.overtaking.watch(ctx)
	defer d.overtaking.end(nil)
	d.fence(func(ctx context.Context) error {
		if cause := context.Cause(watching); errors.Is(cause, errOvertaken) {
			return cause
		}
		if d.elector == nil {
			return nil
		}
		return d.elector.Confirm(ctx)
	})

	err := d.watchAndCommit(watching)
	if cause := context.Cause(watching); errors.Is(cause, errOvertaken) {
		return cause
	}
	return err
}

// fence has whoever opens the repository from now on ask before each write. A daemon that stands by may be at it as well.
func (d *daemonRun) fence(confirm func(context.Context) error) {
	d.copied.making.Lock()
	defer d.copied.making.Unlock()
	d.options.fence = confirm
}
