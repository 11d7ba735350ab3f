package gitsync_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

// A maintenance is due after some commits, not after the first, and not again when it
// was done.
func TestMaintenanceDue(t *testing.T) {
	r := newRepository(t)
	due := func() bool {
		t.Helper()
		due, err := r.MaintenanceDue()
		if err != nil {
			t.Fatal(err)
		}
		return due
	}

	grow(t, r, 300, 4)
	if due() {
		t.Error("due after a few commits")
	}
	grow(t, r, 300, 20)
	if !due() {
		t.Error("not due after 24 commits")
	}

	maintain(t, r, gitsync.MaintainOptions{})
	if due() {
		t.Error("due although it was done just now")
	}
	grow(t, r, 300, 4)
	if due() {
		t.Error("due soon after it was done")
	}
}

// What stock git leaves loose makes it due as well.
func TestMaintenanceDueForLooseObjects(t *testing.T) {
	r := newRepository(t)
	fan := filepath.Join(r.Dir(), "objects", "17")
	if err := os.MkdirAll(fan, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 28 {
		if due, err := r.MaintenanceDue(); err != nil || due {
			t.Fatalf("%d loose objects: %v, %v", i, due, err)
		}
		if err := os.WriteFile(filepath.Join(fan, fmt.Sprintf("%038x", i)), nil, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if due, err := r.MaintenanceDue(); err != nil || !due {
		t.Errorf("28 loose objects: %v, %v", due, err)
	}
}
