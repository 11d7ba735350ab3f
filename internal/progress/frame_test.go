package progress_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/internal/progress"
)

var update = flag.Bool("update", false, "rewrite golden files")

// event is a moment of a story: at a second, so much is done.
type event struct {
	second float64
	done   int64
}

// story is a piece of work as it goes, and the seconds at which it is looked at.
type story struct {
	title, label string
	unit         progress.Unit
	total        int64
	about        bool
	note         string
	events       []event
	look         []float64
}

// steady does as much in every second.
func steady(perSecond int64, from, to float64) []event {
	var events []event
	for at := from; at <= to; at += 0.5 {
		events = append(events, event{at, int64(at * float64(perSecond))})
	}
	return events
}

var stories = []story{
	{title: "nothing is done yet", label: "restoring", unit: "steps", total: 500, look: []float64{0, 0.9, 7, 75}},
	{
		title: "a steady pace", label: "restoring", unit: "steps", total: 500,
		events: steady(20, 0, 25), look: []float64{0.5, 1, 12, 24.4, 25},
	},
	{
		title: "a total that is expected", label: "reading the cluster", unit: "objects", total: 5000, about: true,
		events: steady(250, 0, 10), look: []float64{3, 10},
	},
	{
		title: "more than was expected", label: "reading the cluster", unit: "objects", total: 1000, about: true,
		events: steady(250, 0, 10), look: []float64{3.9, 4, 10},
	},
	{title: "nobody knows the total", label: "checking commits", unit: "commits", events: steady(1700, 0, 5), look: []float64{5}},
	{title: "nobody counts", label: "connecting", unit: progress.Uncounted, look: []float64{3}},
	{
		title: "bytes", label: "exporting fleet-system/fleet", unit: progress.Bytes, total: 3 << 29, about: true,
		events: steady(20<<20, 0, 30), look: []float64{1, 30},
	},
	{
		title: "objects and bytes", label: "receiving", unit: "objects", total: 48211, note: "123.4 MiB",
		events: steady(900, 0, 20), look: []float64{20},
	},
	{title: "it stalls", label: "restoring", unit: "steps", total: 500, events: steady(20, 0, 10), look: []float64{12, 14.9, 15, 40, 4000}},
	{
		title: "each takes long", label: "conformance", unit: "cases", total: 90, events: []event{{40, 1}, {80, 2}, {120, 3}},
		look: []float64{39, 40, 60, 120, 140, 161, 239, 240},
	},
	{title: "days", label: "exporting big/one", unit: progress.Bytes, total: 1 << 43, events: steady(12<<20, 0, 20), look: []float64{20}},
	{title: "it never ends", label: "restoring", unit: "steps", total: 1 << 50, events: steady(2, 0, 20), look: []float64{20}},
	{
		title: "it begins anew", label: "receiving", unit: "objects", total: 100,
		events: []event{{1, 10}, {2, 20}, {3, 5}, {4, 10}, {5, 15}}, look: []float64{3.5, 5},
	},
	{
		title: "a label from outside", label: "exporting \x1b[2Jcafé/日本 with a name that is longer than many a terminal is wide",
		unit: progress.Bytes, total: 1000, events: steady(10, 0, 5), look: []float64{5},
	},
}

var widths = []int{40, 80, 200}

func TestFramesGolden(t *testing.T) {
	var out strings.Builder
	for _, s := range stories {
		fmt.Fprintf(&out, "== %s\n", s.title)
		for _, second := range s.look {
			frame := s.at(second)
			fmt.Fprintf(&out, "%g s\n", second)
			for _, width := range widths {
				fmt.Fprintf(&out, "%4d |%s\n", width, frame.Line(width))
			}
			fmt.Fprintf(&out, " log |%s\n", frame.Log())
		}
	}

	const golden = "testdata/frames.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("frames differ from %s (-want +got; -update rewrites it):\n%s", golden, diff)
	}
}

// at tells a story up to a second, and looks.
func (s story) at(second float64) progress.Frame {
	began := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	moment := func(second float64) time.Time { return began.Add(time.Duration(second * float64(time.Second))) }

	task := progress.Begin(began, s.label, s.unit)
	task.Total, task.About, task.Note = s.total, s.about, s.note
	for _, e := range s.events {
		if e.second <= second {
			task.Observe(moment(e.second), e.done)
		}
	}
	return task.At(moment(second))
}

// Whatever the width is, nothing wraps, and everything that a terminal obeys stays out.
func TestNoLineIsAsWideAsItsTerminal(t *testing.T) {
	for _, s := range stories {
		for _, second := range s.look {
			frame := s.at(second)
			for width := range 220 {
				line := frame.Line(width)
				if len(line) >= max(1, width) {
					t.Fatalf("%s: %d columns for a terminal of %d: %q", s.title, len(line), width, line)
				}
				if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Fatalf("%s: %q holds more than printable ASCII", s.title, line)
				}
			}
		}
	}
}

// Who makes a window wider sees no less.
func TestWiderTerminalsShowNoLess(t *testing.T) {
	words := []string{"%", "[", "/s", " of ", " left"}
	for _, s := range stories {
		for _, second := range s.look {
			frame, seen := s.at(second), 0
			for width := 20; width < 220; width++ {
				shown := 0
				for _, word := range words {
					if strings.Contains(frame.Line(width), word) {
						shown++
					}
				}
				if shown < seen {
					t.Errorf("%s at %g s: %d columns show less than one less: %q", s.title, second, width, frame.Line(width))
				}
				seen = shown
			}
		}
	}
}
