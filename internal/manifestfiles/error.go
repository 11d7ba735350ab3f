package manifestfiles

import (
	"cmp"
	"fmt"
	"strings"
)

// Error is a place that cannot be read.
type Error struct {
	File string
	Line int
	What string
	Hint string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.What
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What)
}

func (e *Error) compare(other *Error) int {
	return cmp.Or(strings.Compare(e.File, other.File), cmp.Compare(e.Line, other.Line))
}

func (c Chart) compare(other Chart) int { return strings.Compare(c.Path, other.Path) }

// Errors are all places of a run that cannot be read, at least one.
type Errors []*Error

// shownFaults is how many of them the text has.
const shownFaults = 5

// Error implements error.
func (e Errors) Error() string {
	var text []string
	for i, fault := range e {
		if i == shownFaults {
			text = append(text, fmt.Sprintf("and %d more", len(e)-shownFaults))
			break
		}
		text = append(text, fault.Error())
	}
	return strings.Join(text, "; ")
}

// Hint is that of the first.
func (e Errors) Hint() string { return e[0].Hint }
