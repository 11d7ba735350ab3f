package daemon

import (
	"context"
	"log/slog"
	"time"

	"github.com/appbur/appbur/internal/backoff"
)

// pushBackoff is between pushes that did not reach every remote.
var pushBackoff = backoff.Backoff{First: 5 * time.Second, Most: 5 * time.Minute}

// lastPush bounds the push that is made on the way out.
const lastPush = 30 * time.Second

// Pusher brings remotes up to date in parallel with the commits, which never wait for it:
// commits that come while a push is under way go with the next one, and remotes
// that are down are tried again, less and less often.
type Pusher struct {
	push   func(context.Context) (all bool, err error)
	log    *slog.Logger
	wanted chan struct{}
}

// NewPusher returns a pusher. push reports whether every remote holds everything;
// its error is about this side.
func NewPusher(push func(context.Context) (all bool, err error), log *slog.Logger) *Pusher {
	return &Pusher{push: push, log: log, wanted: make(chan struct{}, 1)}
}

// Want requests a push. It does not wait.
func (p *Pusher) Want() {
	select {
	case p.wanted <- struct{}{}:
	default:
	}
}

// Run pushes when it is wanted, until ctx ends; then it pushes once more if
// anything is left to push.
func (p *Pusher) Run(ctx context.Context) {
	failures := 0
	retry := time.NewTimer(pushBackoff.Delay(failures))
	retry.Stop()
	defer retry.Stop()
	behind := false

	for {
		select {
		case <-ctx.Done():
			select {
			case <-p.wanted:
				behind = true
			default:
			}
			if behind {
				last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPush)
				defer cancel()
				p.try(last)
			}
			return
		case <-p.wanted:
			failures = 0
		case <-retry.C:
		}
		if behind = !p.try(ctx); behind {
			retry.Reset(pushBackoff.Delay(failures))
			failures++
		} else {
			retry.Stop()
			failures = 0
		}
	}
}

// try pushes once and reports whether every remote holds everything.
func (p *Pusher) try(ctx context.Context) bool {
	all, err := p.push(ctx)
	if err != nil && ctx.Err() == nil {
		p.log.Error("pushing failed; commits go on", "reason", err.Error())
	}
	return all && err == nil
}
