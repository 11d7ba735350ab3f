package leader

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Confirm returns [ErrLost] unless this process leads. It asks the API server, because a process
// that was stopped, or whose machine slept, may have missed that another one was elected. While no answer comes the own
// clock decides.
func (e *Elector) Confirm(ctx context.Context) error {
	e.mu.Lock()
	t, left := e.term, e.left()
	e.mu.Unlock()
	switch {
	case t == nil:
		return lost("it was not elected")
	case errors.Is(context.Cause(t.ctx), ErrLost):
		return context.Cause(t.ctx)
	case left <= 0:
		return e.late(t)
	}

	asking, cancel := context.WithTimeout(ctx, min(left, e.o.RetryPeriod))
	defer cancel()
	lease, err := e.leases.Get(asking, e.o.Name, metav1.GetOptions{})
	var over error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case apierrors.IsNotFound(err):
		over = lost("the Lease %s was deleted", e.name())
	case err == nil:
		over = e.judge(t, lease)
	}
	if over != nil {
		t.lose(over)
		return over
	}

	e.mu.Lock()
	left = e.left()
	e.mu.Unlock()
	if left <= 0 { // the question took too long
		return e.late(t)
	}
	return nil
}

// Leads reports whether this process leads as far as it knows, without asking: by its own clock, so that one that was stopped
// does not believe what it knew before.
func (e *Elector) Leads() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.term != nil && e.term.ctx.Err() == nil && e.left() > 0
}

// late ends a term in which the Lease was not renewed in time.
func (e *Elector) late(t *term) error {
	over := lost("the Lease could not be renewed for %s", e.o.RenewDeadline)
	t.lose(over)
	return over
}

// Reaches returns why this process can neither lead nor take over, nil if it can.
func (e *Elector) Reaches() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, done := range slices.Sorted(maps.Keys(e.refused)) {
		return fmt.Errorf("the Lease %s may not be %s: %w", e.name(), done, e.refused[done])
	}
	silent := e.o.Now().Sub(e.heard)
	if silent <= e.o.LeaseDuration {
		return nil
	}
	if e.failed != nil {
		return fmt.Errorf("the Lease %s cannot be read or written for %s: %w", e.name(), silent.Round(time.Second), e.failed)
	}
	return fmt.Errorf("nothing was heard of the Lease %s for %s", e.name(), silent.Round(time.Second))
}
