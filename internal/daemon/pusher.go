package daemon

import (
	"context"
	"log/slog"
	"time"
)

// Waiting times between pushes that did not reach every remote.
const (
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	// lastPush bounds the push that is made on the way out.
	lastPush = 30 * time.Second
)

// Pusher brings remotes up to date beside the commits, which never wait for it:
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

// Want asks for a push. It does not wait.
func (p *Pusher) Want() {
	select {
	case p.wanted <- struct{}{}:
	default:
	}
}

// Run pushes when it is wanted, until ctx ends; then it pushes once more if
// anything is left to push.
func (p *Pusher) Run(ctx context.Context) {
	wait := firstRetry
	retry := time.NewTimer(wait)
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
			wait = firstRetry
		case <-retry.C:
		}
		if behind = !p.try(ctx); behind {
			retry.Reset(wait)
			wait = min(2*wait, lastRetry)
		} else {
			retry.Stop()
			wait = firstRetry
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
