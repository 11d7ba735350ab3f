package strictyaml

import (
	"errors"
	"fmt"
	"strings"
)

// EntryError is what is wrong with one entry of a list that a person wrote.
type EntryError struct {
	// What is the word for an entry, such as row, and Number counts them from 1.
	What   string
	Number int
	Err    error
}

// Error implements error.
func (e *EntryError) Error() string { return fmt.Sprintf("%s %d: %v", e.What, e.Number, e.Err) }

// Unwrap returns the cause.
func (e *EntryError) Unwrap() error { return e.Err }

// Entries reads each entry of a list by a function. Its error has an [EntryError] for each entry that is wrong, so that
// one reading tells all.
func Entries[W, T any](what string, written []W, read func(W) (T, error)) ([]T, error) {
	values := make([]T, 0, len(written))
	var wrong []error
	var said []string
	for i, w := range written {
		value, err := read(w)
		if err != nil {
			wrong = append(wrong, &EntryError{what, i + 1, err})
			said = append(said, wrong[len(wrong)-1].Error())
			continue
		}
		values = append(values, value)
	}

	if len(wrong) > 0 {
		return nil, &fault{strings.Join(said, "; "), errors.Join(wrong...)}
	}
	return values, nil
}
