package appbur

import "testing"

func TestShortlist(t *testing.T) {
	for want, items := range map[string][]string{
		"":                   nil,
		"a":                  {"a"},
		"a, b, c":            {"a", "b", "c"},
		"a, b, c and 1 more": {"a", "b", "c", "d"},
		"a, b, c and 3 more": {"a", "b", "c", "d", "e", "f"},
	} {
		if got := Shortlist(items, 3); got != want {
			t.Errorf("Shortlist(%v) = %q, want %q", items, got, want)
		}
	}
}
