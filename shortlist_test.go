package appbur_test

import (
	"testing"

	"github.com/appbur/appbur"
)

func TestShortlist(t *testing.T) {
	for want, items := range map[string][]string{
		"":                   nil,
		"a":                  {"a"},
		"a, b, c":            {"a", "b", "c"},
		"a, b, c and 1 more": {"a", "b", "c", "d"},
		"a, b, c and 3 more": {"a", "b", "c", "d", "e", "f"},
	} {
		if got := appbur.Shortlist(items, 3); got != want {
			t.Errorf("Shortlist(%v) = %q, want %q", items, got, want)
		}
	}
}

// Of some lists only the beginning is known by name.
func TestShortlistOf(t *testing.T) {
	for _, test := range []struct {
		items []string
		total int
		want  string
	}{
		{nil, 0, ""},
		{nil, 4, "4 more"},
		{[]string{"a"}, 4, "a and 3 more"},
		{[]string{"a", "b", "c"}, 240, "a; b and 238 more"},
	} {
		if got := appbur.ShortlistOf(test.items, test.total, 2, "; "); got != test.want {
			t.Errorf("ShortlistOf(%v, %d) = %q, want %q", test.items, test.total, got, test.want)
		}
	}
}
