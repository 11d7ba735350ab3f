package progress

import (
	"fmt"
	"strings"
	"time"
)

// Frame is what is known of a piece of work at one moment.
type Frame struct {
	label, note string
	unit        Unit
	done, total int64 // total is 0 when it is not known
	about       bool

	elapsed          time.Duration
	rate             float64
	left, silent     time.Duration
	hasRate, hasLeft bool
	isSilent         bool
}

// A bar has one of few widths, so that it does not tremble when numbers get longer.
const (
	leastBar = 10
	mostBar  = 40
	barStep  = 5
)

// shape is what a line has besides its label and its end.
type shape struct{ bar, note, noun, rate, count bool }

// shapes are tried one after the other until one fits.
var shapes = []shape{
	{bar: true, note: true, noun: true, rate: true, count: true},
	{bar: true, noun: true, rate: true, count: true},
	{bar: true, rate: true, count: true},
	{bar: true, rate: true},
	{rate: true, count: true},
	{rate: true},
	{},
}

// Line describes the work in less than width columns: a character in the last one would
// make some terminals begin another line.
func (f Frame) Line(width int) string {
	room := max(0, width-1)
	for _, s := range shapes {
		head, tail := f.parts(s)
		bar := room - len(head) - len(tail) - len(" [] ")
		switch {
		case s.bar && f.total > 0 && bar < leastBar, len(head)+len(tail) > room:
			continue
		case !s.bar || f.total == 0:
			return head + tail
		}
		return head + " [" + f.bar(min(bar-bar%barStep, mostBar)) + "]" + tail
	}

	_, tail := f.parts(shape{})
	tail = f.percent() + tail
	return cut(f.label, room-len(tail)) + cut(tail, room)
}

// Log describes the work for those who read lines one after the other.
func (f Frame) Log() string {
	facts := f.facts(shape{note: true, noun: true, rate: true, count: true})
	if f.total > 0 {
		facts = append([]string{strings.TrimSpace(f.percent())}, facts...)
	}
	return f.label + ": " + strings.Join(facts, ", ")
}

// parts returns what is before the bar and what is behind it.
func (f Frame) parts(s shape) (head, tail string) {
	return f.label + f.percent(), "  " + strings.Join(f.facts(s), ", ")
}

func (f Frame) facts(s shape) []string {
	var facts []string
	if f.unit != Uncounted && (s.count || f.total == 0) {
		facts = append(facts, f.count(s.noun))
	}
	if s.note && f.note != "" {
		facts = append(facts, f.note)
	}
	if s.rate && f.hasRate {
		facts = append(facts, rateText(f.rate, f.unit))
	}
	return append(facts, f.end())
}

// percent is "" when the total is not known. Only what is done is 100 %.
func (f Frame) percent() string {
	if f.total == 0 {
		return ""
	}
	return fmt.Sprintf("  %s%d%%", f.tilde(), int64(float64(f.done)/float64(f.total)*100))
}

func (f Frame) tilde() string {
	if f.about {
		return "~"
	}
	return ""
}

func (f Frame) count(noun bool) string {
	if f.unit == Bytes {
		if f.total == 0 {
			return bytesText(float64(f.done))
		}
		return fmt.Sprintf("%s of %s%s", bytesText(float64(f.done)), f.tilde(), bytesText(float64(f.total)))
	}
	text := fmt.Sprint(f.done)
	if f.total > 0 {
		text = fmt.Sprintf("%d of %s%d", f.done, f.tilde(), f.total)
	}
	if noun {
		text += " " + string(f.unit)
	}
	return text
}

// end is when the work ends or, where it is unknown, how long it has taken.
func (f Frame) end() string {
	switch {
	case f.isSilent:
		return "waiting " + durationText(f.silent)
	case f.hasLeft:
		// A moment that is left is no time at all, which would mean that the work is done.
		return f.tilde() + durationText(max(f.left.Round(time.Second), time.Second)) + " left"
	}
	return durationText(f.elapsed) + " so far"
}

func (f Frame) bar(width int) string {
	full := int(float64(f.done) / float64(f.total) * float64(width))
	if full >= width {
		return strings.Repeat("=", width)
	}
	return strings.Repeat("=", full) + ">" + strings.Repeat(" ", width-full-1)
}

// cut shortens text to a number of columns.
func cut(text string, columns int) string {
	const mark = ".."
	switch {
	case len(text) <= columns:
		return text
	case columns <= len(mark):
		return ""
	}
	return text[:columns-len(mark)] + mark
}
