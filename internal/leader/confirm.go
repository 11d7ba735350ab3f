package leader

import (
	"context"
	"errors"
	"fmt"
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
		return e.lost(lost("the Lease could not be renewed for %s", e.o.RenewDeadline))
	}

	asking, cancel := context.WithTimeout(ctx, min(left, e.o.RetryPeriod))
	defer cancel()
	lease, err := e.leases.Get(asking, e.o.Name, metav1.GetOptions{})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case apierrors.IsNotFound(err):
		return e.lost(lost("the Lease %s was deleted", e.name()))
	case err == nil && holder(lease) != e.o.Identity:
		return e.lost(lost("the Lease %s is held by %s", e.name(), who(holder(lease))))
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left() <= 0 { // the question took too long
		return lost("the Lease could not be renewed for %s", e.o.RenewDeadline)
	}
	return nil
}

// Reaches returns why this process can neither lead nor take over, nil if it can.
func (e *Elector) Reaches() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	silent := e.o.Now().Sub(e.heard)
	if silent <= e.o.LeaseDuration {
		return nil
	}
	if e.failed != nil {
		return fmt.Errorf("the Lease %s cannot be read or written for %s: %w", e.name(), silent.Round(time.Second), e.failed)
	}
	return fmt.Errorf("nothing was heard of the Lease %s for %s", e.name(), silent.Round(time.Second))
}
