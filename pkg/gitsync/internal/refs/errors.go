package refs

import "errors"

var (
	// ErrNotFound means that there is no such ref.
	ErrNotFound = errors.New("ref not found")
	// ErrMoved means that a ref is not where it should be. It was not moved.
	ErrMoved = errors.New("ref moved")
	// ErrLocked means that another process is writing and did not finish in time.
	ErrLocked = errors.New("repository is locked")
)
