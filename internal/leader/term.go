package leader

import (
	"context"
	"time"
)

// term is the time from an election to its end.
type term struct {
	ctx context.Context
	// lose ends the term, and says why.
	lose context.CancelCauseFunc
	// transitions is how often the Lease had changed hands when the term began.
	transitions int32
	// deadline ends it when the Lease was not renewed in time.
	deadline *time.Timer
}

// begin begins a term.
func (e *Elector) begin(ctx context.Context) *term {
	t := &term{}
	t.ctx, t.lose = context.WithCancelCause(ctx)
	e.mu.Lock()
	t.transitions = e.transitions
	t.deadline = time.AfterFunc(e.left(), func() { _ = e.late(t) })
	e.term = t
	e.mu.Unlock()
	e.o.Log.Info("this process leads, and writes", "lease", e.name(), "identity", e.o.Identity)
	e.o.Changed(true)
	return t
}

// end ends a term after its work.
func (e *Elector) end(t *term) {
	e.mu.Lock()
	e.term = nil
	e.mu.Unlock()
	t.deadline.Stop()
	t.lose(nil)
	e.o.Changed(false)
}

// left is how long this process leads if the Lease is not renewed any more. The caller holds the lock.
func (e *Elector) left() time.Duration { return e.renewed.Add(e.o.RenewDeadline).Sub(e.o.Now()) }
