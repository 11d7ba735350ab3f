package exporter

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Connection hears what becomes of the connection to the API server. Its methods return at
// once, and may be called from several goroutines.
type Connection interface {
	// Lost is called when the server vanished without a word: nothing is acknowledged or answered any more. What was
	// under way goes on over a new connection.
	Lost()
	// Away is called when the server cannot be reached, and Back when it answers again.
	Away()
	Back()
}

// outage logs once that the API server is away, and once that it is back. Sixty watches
// notice both, each at its own pace.
type outage struct {
	exporter *Exporter
	log      *slog.Logger

	mu sync.Mutex
	// since is when a connection first failed after the last that worked, zero while all work.
	since time.Time
	// probing is true while a probe runs, logged after the outage was logged.
	probing, logged bool
	// rewound is when it was told last that the store may be another one.
	rewound time.Time
	// lost is when the connection was noticed to be dead, zero while it is not; replaced is when the last
	// one was.
	lost, replaced time.Time
}

// failed takes note of a request that failed. Once connections have failed for a moment
// the server itself is probed: one broken stream is not an outage.
func (o *outage) failed(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil || !isConnection(err) {
		return
	}
	o.mu.Lock()
	now := o.exporter.options.Now()
	if o.since.IsZero() {
		o.since = now
	}
	if isDead(err) {
		o.lose(now)
	}
	probe := !o.logged && !o.probing && now.Sub(o.since) >= o.exporter.timing.away
	o.probing = o.probing || probe
	o.mu.Unlock()
	if !probe {
		return
	}

	answer := o.exporter.answers(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.probing = false
	switch {
	case ctx.Err() != nil:
	case answer == nil:
		o.mayBeAnother(o.since)
		o.since = time.Time{}
	case !o.since.IsZero():
		o.logged = true
		o.log.Warn("the API server cannot be reached; what changes meanwhile is read when it is back",
			"server", o.exporter.client.Get().URL().Host, "err", shortLine(err.Error()))
		if c := o.exporter.options.Connection; c != nil {
			c.Away()
		}
	}
}

// lose notes a dead connection, once for all that was under way on it.
func (o *outage) lose(now time.Time) {
	if !o.lost.IsZero() || !o.replaced.IsZero() && now.Sub(o.replaced) < o.exporter.timing.brief {
		return
	}
	o.lost = now
	o.log.Warn("the API server vanished without a word; its connection is replaced", "server", o.exporter.client.Get().URL().Host)
	if c := o.exporter.options.Connection; c != nil {
		c.Lost()
	}
}

// works takes note of a request that was answered.
func (o *outage) works() {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.exporter.options.Now()
	o.mayBeAnother(o.since)
	switch {
	case o.logged:
		o.log.Info("the API server can be reached again", "after", now.Sub(o.since).Round(time.Second).String())
		if c := o.exporter.options.Connection; c != nil {
			c.Back()
		}
	case !o.lost.IsZero():
		o.log.Info("the API server answers on a new connection", "after", now.Sub(o.lost).Round(time.Millisecond).String())
	}
	if !o.lost.IsZero() {
		o.lost, o.replaced = time.Time{}, now
	}
	o.since, o.logged = time.Time{}, false
}

// back takes note of a watch that is taken again, and that did not work since some time.
func (o *outage) back(since time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mayBeAnother(since)
}

// mayBeAnother tells once of an outage that the store may be another one by now. The caller holds the lock.
func (o *outage) mayBeAnother(since time.Time) {
	now := o.exporter.options.Now()
	if since.IsZero() || now.Sub(since) <= o.exporter.timing.replaced || o.rewound.After(since) {
		return
	}
	o.rewound = now
	if rewound := o.exporter.options.Rewound; rewound != nil {
		rewound()
	}
}

// away reports whether the server was said to be away.
func (o *outage) away() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.logged
}

// answers requests something from the API server that every account may read. Any answer is one.
func (e *Exporter) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err := body(e.get("/version").Do(ctx))
	if err == nil || !isConnection(err) {
		return nil
	}
	return err
}
