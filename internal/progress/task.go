package progress

import "time"

// Unit is what is counted, in the plural.
type Unit string

const (
	// Bytes are shown with binary units.
	Bytes Unit = "bytes"
	// Uncounted is the unit of work of which nothing is counted.
	Uncounted Unit = ""
)

// Task is one piece of long work. It is not safe for concurrent use.
type Task struct {
	// Total is how much there is to do, 0 if it is unknown. It may change meanwhile.
	Total int64
	// About says that the total is an estimate, such as what there was last time.
	About bool
	// Note is something to add if there is room, such as bytes where objects are counted.
	Note string

	label   string
	unit    Unit
	started time.Time
	done    int64
	pace    pace
}

// Begin starts to describe a piece of work. The label is ASCII.
func Begin(at time.Time, label string, unit Unit) *Task {
	t := &Task{label: printable(label), unit: unit, started: at}
	t.pace.observe(at, 0)
	return t
}

// Observe is called with how much is done at a moment.
func (t *Task) Observe(at time.Time, done int64) {
	t.done = done
	t.pace.observe(at, done)
}

// At describes the work at a moment.
func (t *Task) At(now time.Time) Frame {
	f := Frame{label: t.label, unit: t.unit, done: t.done, note: printable(t.Note), elapsed: max(0, now.Sub(t.started))}
	if t.done < t.Total || t.done == t.Total && !t.About { // else it was no good estimate
		f.total, f.about = t.Total, t.About
	}

	f.silent, f.isSilent = t.pace.silence(now)
	if !f.isSilent {
		f.rate, f.hasRate = t.pace.rate(now)
	}
	if f.total > 0 {
		f.left, f.hasLeft = t.pace.left(now, t.Total-t.done)
	}
	return f
}

// Elapsed is how long the work has taken by now.
func (t *Task) Elapsed(now time.Time) time.Duration { return now.Sub(t.started) }

// printable keeps a line as wide as it is long: a character of ASCII has one column.
func printable(text string) string {
	out := []rune(text)
	for i, r := range out {
		if r < ' ' || r > '~' {
			out[i] = '?'
		}
	}
	return string(out)
}
