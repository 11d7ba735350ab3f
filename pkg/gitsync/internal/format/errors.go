package format

import "errors"

// ErrNoRepository means that the directory holds no bare Git repository.
var ErrNoRepository = errors.New("not a bare Git repository")

// NotRepositoryError is a directory that is no bare repository. It is [ErrNoRepository].
type NotRepositoryError struct {
	Dir string
	// Worktree is true when there is a repository with a worktree.
	Worktree bool
}

// Error implements error.
func (e *NotRepositoryError) Error() string {
	return "open repository: " + e.Dir + ": " + ErrNoRepository.Error()
}

// Is reports whether the target is [ErrNoRepository].
func (e *NotRepositoryError) Is(target error) bool { return target == ErrNoRepository }
