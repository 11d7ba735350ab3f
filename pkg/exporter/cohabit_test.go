package exporter

import (
	"slices"
	"testing"

	"github.com/appbur/appbur/pkg/compat"
)

// The kinds that are read from one of two groups are those that the audit log joins. An
// Event is served by both groups to this day and has moved nowhere.
func TestCohabitingKindsAreKnownMoves(t *testing.T) {
	moves := compat.Moves()
	for _, c := range cohabits {
		if c.now.Kind != "Event" && !slices.Contains(moves, compat.Move{From: c.old, To: c.now}) {
			t.Errorf("%s and %s are one kind here and two in the audit log", c.old, c.now)
		}
	}
}
