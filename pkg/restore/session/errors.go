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
	part := ""
	if h.Part != "" {
		part = " (" + h.Part + ")"
	}
	what := fmt.Sprintf("restores %s%s to this cluster", h.Point, part)
	if h.Point == "" { // a run that restores nothing
		what = "releases what is paused in this cluster"
	}
	return fmt.Sprintf("%s on %s %s since %s", orUnknown(h.User, "somebody"), orUnknown(h.Host, "some machine"), what,
		h.Started.UTC().Format(time.RFC3339))
}

func orUnknown(name, unknown string) string {
	if name == "" {
		return unknown
	}
	return name
}

// ErrLost is the error of a run whose lock is gone.
var ErrLost = errors.New("the lock of this restore is lost")
