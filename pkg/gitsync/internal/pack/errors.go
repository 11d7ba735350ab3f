package pack

import (
	"errors"
	"fmt"
)

var (
	// ErrNoSpace means that the file system has no room for what must be written.
	// What was there before is complete.
	ErrNoSpace = errors.New("no space left for the repository")
	// ErrReadOnly means that the repository may be read and not written.
	ErrReadOnly = errors.New("repository cannot be written")
)

// ErrVanished means that git took a pack away while it was about to be read.
var ErrVanished = errors.New("git is repacking the same packs")

// NoSpaceError is a disk that is full. It is [ErrNoSpace].
type NoSpaceError struct {
	// Dir is the directory of the repository.
	Dir string
	// Deleting is true when even what is reserved for deletions is used up.
	Deleting bool
	// Need is how many bytes the next step of a prune needs, 0 if it was no prune.
	Need int64
	Err  error
}

// Error implements error.
func (e *NoSpaceError) Error() string { return fmt.Sprintf("%v: %v", ErrNoSpace, e.Err) }

// Unwrap returns the cause.
func (e *NoSpaceError) Unwrap() error { return e.Err }

// Is reports whether the target is [ErrNoSpace].
func (e *NoSpaceError) Is(target error) bool { return target == ErrNoSpace }
