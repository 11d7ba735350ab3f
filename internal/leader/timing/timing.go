// Package timing says how fast a leader is elected, and which durations elect no single one. It is pure.
//
// The usual way in is [Timing.Check].
package timing

import (
	"errors"
	"fmt"
	"time"
)

// Timing is how fast a leader is elected; the words are those of client-go.
type Timing struct {
	// LeaseDuration is how long the others wait for a leader that says nothing.
	LeaseDuration time.Duration
	// RenewDeadline is how long a leader goes on that cannot renew the Lease.
	RenewDeadline time.Duration
	// RetryPeriod is between two looks at the Lease.
	RetryPeriod time.Duration
}

// jitter is by how much the election lengthens a retry period at most.
const jitter = 1.2

// ErrUnsound means that durations do not go together.
var ErrUnsound = errors.New("these durations elect no single leader")

// Check returns why the durations do not go together, nil if they do.
func (t Timing) Check() error {
	switch {
	case t.LeaseDuration < time.Second || t.LeaseDuration%time.Second != 0:
		return fmt.Errorf("%w: a Lease lasts whole seconds, and not %s", ErrUnsound, t.LeaseDuration)
	case t.RetryPeriod <= 0:
		return fmt.Errorf("%w: the Lease has to be looked at again", ErrUnsound)
	case t.RenewDeadline <= time.Duration(jitter*float64(t.RetryPeriod)):
		return fmt.Errorf("%w: who looks every %s has no second try to renew the Lease in %s", ErrUnsound, t.RetryPeriod, t.RenewDeadline)
	case t.RenewDeadline+t.RetryPeriod >= t.LeaseDuration:
		return fmt.Errorf("%w: a leader that goes on for %s after it renewed the Lease, and looks every %s, "+
			"may still write after %s, when another one is elected", ErrUnsound, t.RenewDeadline, t.RetryPeriod, t.LeaseDuration)
	}
	return nil
}
