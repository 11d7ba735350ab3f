package cli

import (
	"slices"
	"testing"

	"github.com/appbur/appbur/internal/diagnosis"
)

// Whatever is wrong, the command says what to do.
func TestThereIsAnAdviceForEachReason(t *testing.T) {
	for _, reason := range diagnosis.Reasons {
		if advice[reason] == "" {
			t.Errorf("nothing is said for %s", reason)
		}
	}
	for reason := range advice {
		if !slices.Contains(diagnosis.Reasons, reason) {
			t.Errorf("%s is no reason", reason)
		}
	}
}
