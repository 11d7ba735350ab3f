package cli

import (
	"context"

	"github.com/appbur/appbur/internal/announce"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/metrics"
	"github.com/appbur/appbur/internal/repository"
)

// announcer makes Events on the Lease of the daemon. Without a Lease there are none, and a daemon that may not make them
// works as well.
func (d *daemonRun) announcer(ctx context.Context) (a *announce.Announcer, stop func()) {
	nothing := func() {}
	if d.elector == nil {
		return nil, nothing
	}
	config, err := d.options.restConfig()
	if err == nil {
		a, stop, err = announce.Start(ctx, config, d.elector.Lease())
	}
	if err != nil {
		d.log.Warn("no Events are made", "reason", err.Error())
		return nil, nothing
	}
	return a, stop
}

// announcePushes tells of each remote what became of a push.
func announcePushes(a *announce.Announcer, push metrics.Push) metrics.Push {
	return func(ctx context.Context) (*repository.Replication, error) {
		done, err := push(ctx)
		if done == nil || ctx.Err() != nil {
			return done, err
		}
		for _, r := range done.Remotes {
			why := ""
			if r.Err() != nil {
				why = oneLine(r.Error)
			}
			a.Remote(r.Remote, why)
		}
		return done, err
	}
}

// announcePoints tells what became of each point that was due or asked for.
func announcePoints(
	a *announce.Announcer, make func(context.Context, []string) (daemon.PointMade, error),
) func(context.Context, []string) (daemon.PointMade, error) {
	return func(ctx context.Context, due []string) (daemon.PointMade, error) {
		made, err := make(ctx, due)
		if ctx.Err() == nil {
			a.Point(string(made.ID), made.Partial, made.Missing, err)
		}
		return made, err
	}
}
