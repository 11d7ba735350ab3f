package cli

import (
	"context"
	"sync/atomic"

	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/repository"
)

// liveSettings are what run goes by at the moment. Whoever asks gets the newest answer; the daemon is told, because it
// waits by its pace.
type liveSettings struct {
	current atomic.Pointer[configuration.Configuration]
	paces   chan daemon.Pace
	format  logFormat
}

func newLiveSettings(c configuration.Configuration, format logFormat) *liveSettings {
	l := &liveSettings{paces: make(chan daemon.Pace), format: format}
	l.current.Store(&c)
	format.set(c.Log.Format)
	return l
}

// take makes other settings those of the moment. It waits until the daemon has them.
func (l *liveSettings) take(ctx context.Context, c configuration.Configuration) {
	l.current.Store(&c)
	l.format.set(c.Log.Format)
	select {
	case l.paces <- l.pace():
	case <-ctx.Done():
	}
}

func (l *liveSettings) points() configuration.Points { return l.current.Load().Points }

func (l *liveSettings) pushes() bool   { return l.current.Load().Push.Enabled }
func (l *liveSettings) anchor() string { return l.current.Load().Anchor.Path }

func (l *liveSettings) pace() daemon.Pace {
	c := l.current.Load()
	return daemon.Pace{Quiet: c.Watch.Quiet, Limit: c.Watch.Limit, MaintainAfter: c.Maintenance.AfterCommits}
}

func (l *liveSettings) guards() repository.Guards {
	g := l.current.Load().Guards
	return repository.Guards{AdoptCluster: g.AdoptCluster, AllowCollapse: g.AllowCollapse, AcceptHistory: g.AcceptHistory}
}
