package history

import (
	"errors"
	"fmt"
)

// ErrNotFound means that the history has no such object, commit or time.
var ErrNotFound = errors.New("not in the history")

// ErrAmbiguous means that a name matches more than one thing.
var ErrAmbiguous = errors.New("more than one fits")

// ErrNotUnderstood means that a name, a time or a revision has no known form.
var ErrNotUnderstood = errors.New("not understood")

// Sought says what was looked for.
type Sought int

// What can be missing.
const (
	// SoughtObject is an object that main never had.
	SoughtObject Sought = iota
	// SoughtState is an object as it was at a time.
	SoughtState
	// SoughtNamespace is a namespace that main never had.
	SoughtNamespace
	// SoughtCommit is a commit.
	SoughtCommit
	// SoughtParent is a commit before the first.
	SoughtParent
)

// NotFoundError is [ErrNotFound] with what was looked for.
type NotFoundError struct {
	Sought Sought
	text   string
}

// Error says what is missing.
func (e *NotFoundError) Error() string {
	text := fmt.Sprintf("%s: %v", e.text, ErrNotFound)
	if e.Sought == SoughtParent {
		text += ": the history is shorter"
	}
	return text
}

// Unwrap returns [ErrNotFound].
func (e *NotFoundError) Unwrap() error { return ErrNotFound }

// AmbiguousError is [ErrAmbiguous] with what fits: kinds, or the namespaces of one object.
type AmbiguousError struct {
	Kinds, Namespaces []string
	text              string
}

// Error says what fits more than once.
func (e *AmbiguousError) Error() string { return fmt.Sprintf("%q: %v", e.text, ErrAmbiguous) }

// Unwrap returns [ErrAmbiguous].
func (e *AmbiguousError) Unwrap() error { return ErrAmbiguous }
