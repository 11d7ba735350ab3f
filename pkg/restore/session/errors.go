package session

import (
	"errors"
	"fmt"
	"time"
)

// HeldError means that somebody else restores to the target. Nothing was changed.
type HeldError struct {
	By Holder
	// Age is how long ago the lock was renewed.
	Age time.Duration
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s; the lock was renewed %s ago", e.By, e.Age.Round(time.Second))
}

// String says who restores what since when.
func (h Holder) String() string {
	if h.Point == "" {
		return fmt.Sprintf("%s on %s releases what is paused in this cluster since %s", orUnknown(h.User), orUnknown(h.Host),
			h.Started.UTC().Format(time.RFC3339))
	}
	what := string(h.Point)
	if h.Part != "" {
		what += " (" + h.Part + ")"
	}
	return fmt.Sprintf("%s on %s restores %s to this cluster since %s", orUnknown(h.User), orUnknown(h.Host), what,
		h.Started.UTC().Format(time.RFC3339))
}

func orUnknown(name string) string {
	if name == "" {
		return "somebody"
	}
	return name
}

// ErrLost is the error of a run whose lock is gone.
var ErrLost = errors.New("the lock of this restore is lost")
