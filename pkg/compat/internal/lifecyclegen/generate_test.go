package main

import (
	"bytes"
	"os"
	"testing"
)

// TestCommittedTableIsCurrent fails when a newer k8s.io/api changes the table, in
// particular when it forgets a type: that type then belongs into the overlay.
func TestCommittedTableIsCurrent(t *testing.T) {
	t.Parallel()
	committed, err := os.ReadFile("../../lifecycle.json")
	if err != nil {
		t.Fatal(err)
	}
	generated, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(committed, generated) {
		return
	}
	want := lines(committed)

	got := lines(generated)
	for line := range want {
		if !got[line] {
			t.Errorf("only in lifecycle.json: %s", line)
		}
	}

	for line := range got {
		if !want[line] {
			t.Errorf("only generated: %s", line)
		}
	}
	t.Error("lifecycle.json is not what the API modules and the overlay say: look at the differences, keep what servers really did in overlay.go, and run go generate ./pkg/compat")
}

func lines(data []byte) map[string]bool {
	set := map[string]bool{}
	for line := range bytes.Lines(data) {
		set[string(bytes.Trim(line, " ,\n"))] = true
	}
	return set
}
