package object

import (
	"errors"
	"io"
)

// The errors of objects that callers tell apart.
var (
	// ErrObjectNotFound means that the repository lacks an object.
	ErrObjectNotFound = errors.New("object not found")
	// ErrCorrupt means that bytes in the repository are not what they must be.
	ErrCorrupt = errors.New("corrupt repository")
	// ErrTooLarge means that something claims to be larger than the limits allow. It was
	// not read.
	ErrTooLarge = errors.New("larger than the limits allow")
	// ErrUnsupported means that a repository uses a format that would be misread.
	ErrUnsupported = errors.New("unsupported repository format")
	// ErrPath means that a path cannot be stored.
	ErrPath = errors.New("invalid path")
)

// UnexpectedEOF makes an end in the middle an error that does not look like a good end.
func UnexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
