package golden

import (
	"strings"
	"testing"
	"time"
)

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

// releases is a lock of releases, each with when it was recorded, in the order in which they were.
func releases() Lock {
	return Lock{Entries: []Entry{
		{Release: "1.4.0", Recorded: day("2025-01-10")},
		{Release: "2.0.0", Recorded: day("2025-06-10")},
		{Release: "2.1.0", Recorded: day("2025-11-10")},
		{Release: "1.4.1", Recorded: day("2025-12-10")}, // a patch of an older one, recorded later
		{Release: "3.0.0", Recorded: day("2026-03-10")},
	}}
}

func TestSupportWindows(t *testing.T) {
	for _, test := range []struct{ window, app, want string }{
		{"all", "3.0.0", "1.4.0 1.4.1 2.0.0 2.1.0 3.0.0"},
		{"all", "2.0.5", "1.4.0 1.4.1 2.0.0"}, // what is newer is in no window
		{"last 1", "3.0.0", "2.1.0 3.0.0"},    // the application's own does not count
		{"last 2", "3.1.0", "2.1.0 3.0.0"},
		{"last 2 releases", "2.1.0", "1.4.1 2.0.0 2.1.0"},
		{"~> 2", "3.0.0", "2.0.0 2.1.0"},
		{"~> 2.1", "3.0.0", "2.1.0"},
		{">= 1.4.1, < 3", "3.0.0", "1.4.1 2.0.0 2.1.0"},
		{"6 months", "3.0.0", "1.4.1 2.1.0 3.0.0"},
		{"1 week", "3.0.0", "2.1.0 3.0.0"}, // the release before is always in it: people upgrade from there
		{"~> 2", "1.4.1", ""},
	} {
		t.Run(test.window+" of "+test.app, func(t *testing.T) {
			window, err := ParseSupport(test.window)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(window.Releases(releases(), test.app, day("2026-04-01")), " "); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			if window.String() != test.window {
				t.Errorf("it says of itself that it is %q", window)
			}
		})
	}

	for _, text := range []string{"", "forever", "last 0", "last", "-1 months", "6 fortnights", "~> ", "last 99999999"} {
		if window, err := ParseSupport(text); err == nil {
			t.Errorf("%q is the window %+v", text, window)
		}
	}
}
