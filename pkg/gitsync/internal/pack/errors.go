package pack

import "errors"

var (
	// ErrNoSpace means that the file system has no room for what must be written.
	// What was there before is complete.
	ErrNoSpace = errors.New("no space left for the repository")
	// ErrReadOnly means that the repository may be read and not written.
	ErrReadOnly = errors.New("repository cannot be written")
)

// ErrVanished means that git took a pack away while it was about to be read.
var ErrVanished = errors.New("git is repacking the same packs")
