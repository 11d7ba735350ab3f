package cli

import (
	"fmt"
	"time"

	"github.com/appbur/appbur"
)

// appsOf counts the applications of a point, and those that it should have held.
func appsOf(p appbur.RestorePoint) cell {
	if len(p.Missing) == 0 {
		return number(len(p.Apps))
	}
	return coloured(sgrYellow, fmt.Sprintf("%d of %d", len(p.Apps), len(p.Apps)+len(p.Missing)))
}

// stateOf says whether a point is complete.
func stateOf(p appbur.RestorePoint) cell {
	if p.Partial {
		return coloured(sgrYellow, "partial")
	}
	return coloured(sgrGreen, "complete")
}

// when writes a time for a person as its distance, for a pipe as RFC 3339.
func (e *env) when(at time.Time) string {
	if !e.OutTerminal {
		return at.UTC().Format(time.RFC3339)
	}
	switch ago := e.now().Sub(at); {
	case ago < time.Minute:
		return fmt.Sprintf("%d s ago", max(0, int(ago.Seconds())))
	case ago < time.Hour:
		return fmt.Sprintf("%d min ago", int(ago.Minutes()))
	case ago < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(ago.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(ago.Hours()/24))
	}
}
