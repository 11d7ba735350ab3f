package leader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/appbur/appbur/internal/leader/timing"
)

// Options say which Lease decides, and how fast.
type Options struct {
	// Namespace and Name are those of the Lease.
	Namespace, Name string
	// Identity is what the Lease calls this process. No two processes may have the same.
	Identity string
	timing.Timing
	// Now is the clock.
	Now func() time.Time
	Log *slog.Logger
	// Changed hears when this process begins to lead, and when it does not any more; it may be nil.
	Changed func(leads bool)
}

// ErrLost means that this process does not lead any more.
var ErrLost = errors.New("this process does not lead any more")

func lost(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrLost, fmt.Errorf(format, args...))
}

// Work is what only the leader does, until its context ends.
type Work func(context.Context) error
