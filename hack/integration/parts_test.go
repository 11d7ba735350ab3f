package main

import (
	"fmt"
	"slices"
	"testing"
)

// A package with many tests is cut, and no test is lost or run twice.
func TestPartsTogetherAreThePlan(t *testing.T) {
	for count, want := range map[int][]int{0: {0}, 1: {1}, 15: {15}, 16: {8, 8}, 58: {15, 15, 15, 13}, 61: {13, 13, 13, 13, 9}} {
		var names []string
		for i := range count {
			names = append(names, fmt.Sprintf("Test%03d", i))
		}
		var sizes []int
		var together []string
		for _, p := range inParts([]tests{{pkg: "example.com/m", names: names}}) {
			if p.pkg != "example.com/m" || p.all {
				t.Errorf("%d tests: got a part %+v", count, p)
			}
			sizes = append(sizes, len(p.names))
			together = append(together, p.names...)
		}

		if !slices.Equal(sizes, want) || !slices.Equal(together, names) {
			t.Errorf("%d tests are cut into %v, want %v; together %q", count, sizes, want, together)
		}
	}
}

// All tests of a package depend on what its file with the tag does, so they stay in one process.
func TestAPackageThatRunsCompletelyIsOnePart(t *testing.T) {
	names := slices.Repeat([]string{"TestOne"}, 3*partSize)
	if parts := inParts([]tests{{pkg: "example.com/m", all: true, names: names}}); len(parts) != 1 || !parts[0].all {
		t.Errorf("got %+v", parts)
	}
}
