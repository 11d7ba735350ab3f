package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong.
type Fault struct {
	// Line and Column count from 1. They are 0 for what stands in no document.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// From says where a value that stands in no document was given.
	From string `json:"from,omitempty"`
	// Path is the setting, as in watch.quiet; it is "" when the document as a whole is wrong.
	Path    string `json:"path,omitempty"`
	Problem string `json:"problem"`
	// Hint says what to write instead; it is "" if that is not known.
	Hint string `json:"hint,omitempty"`
}

// String says where the fault is and what is wrong.
func (f Fault) String() string {
	var where []string
	switch {
	case f.Line > 0:
		where = append(where, fmt.Sprintf("line %d", f.Line))
	case f.From != "":
		where = append(where, f.From)
	}
	if f.Path != "" {
		where = append(where, f.Path)
	}
	return strings.Join(append(where, f.Problem), ": ")
}

// Error is a document that cannot be used. It has at least one fault, and all that were found, in the order in which
// they stand in the document.
type Error struct{ Faults []Fault }

// Error implements error.
func (e *Error) Error() string {
	texts := make([]string, 0, len(e.Faults))
	for _, f := range e.Faults {
		texts = append(texts, f.String())
	}
	return strings.Join(texts, "; ")
}

// asError returns the faults as an error, nil if there are none.
func asError(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{faults}
}
