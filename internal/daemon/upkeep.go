package daemon

import (
	"context"
	"errors"
	"sync"

	"github.com/appbur/appbur/pkg/gitsync"
)

// upkeep runs the maintenance of the repository in parallel with the commits.
type upkeep struct {
	ctx     context.Context
	options Options
	since   int           // commits since the last maintenance began
	busy    chan struct{} // holds a token while one runs
	running sync.WaitGroup
}

func newUpkeep(ctx context.Context, o Options) *upkeep {
	return &upkeep{ctx: ctx, options: o, busy: make(chan struct{}, 1)}
}

// committed counts a commit and begins a maintenance when it is time and none is
// at work. It serves one goroutine.
func (u *upkeep) committed() {
	if u.since++; u.options.Maintainer == nil || u.options.MaintainAfter <= 0 || u.since < u.options.MaintainAfter || u.ctx.Err() != nil {
		return
	}

	select {
	case u.busy <- struct{}{}:
	default:
		return // the next commit tries again
	}

	u.since = 0
	u.running.Go(func() {
		defer func() { <-u.busy }()
		report, err := u.options.Maintainer.Maintain(u.ctx, gitsync.MaintainOptions{})
		switch {
		case err == nil:
			u.options.Log.Info("maintained the repository", "packs", report.PacksAfter, "packsBefore", report.PacksBefore,
				"bytes", report.BytesAfter, "bytesBefore", report.BytesBefore)
		case u.ctx.Err() != nil || errors.Is(err, gitsync.ErrLocked):
			// Cancelled, or another process does it.
		default:
			u.options.Log.Warn("maintenance of the repository failed; it is tried again later", "reason", err.Error(), "hint", u.options.Hint(err))
		}
	})
}

// wait returns when no maintenance is at work any more.
func (u *upkeep) wait() { u.running.Wait() }
