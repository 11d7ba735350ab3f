package gitsync

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/appbur/appbur"
)

// storageErrors are the ways in which a file system refuses to take bytes.
var storageErrors = []struct {
	cause error
	means error
}{
	{syscall.ENOSPC, ErrNoSpace},
	{syscall.EDQUOT, ErrNoSpace}, // the user's quota is used up
	{syscall.EFBIG, ErrNoSpace},  // a file may not become larger
	{syscall.EROFS, ErrReadOnly},
	{fs.ErrPermission, ErrReadOnly},
}

// storageError says in words of this package that a repository could not be
// written, and what to do. Other errors pass.
func storageError(dir string, err error) error {
	if err == nil || errors.Is(err, ErrNoSpace) || errors.Is(err, ErrReadOnly) {
		return err
	}
	for _, known := range storageErrors {
		if !errors.Is(err, known.cause) {
			continue
		}
		hint := "make space on the file system of " + dir + " and run again; nothing is damaged"
		if known.means == ErrReadOnly {
			hint = "make " + dir + " writable for this user and run again; nothing is damaged"
		}
		return appbur.WithHint(fmt.Errorf("%w: %w", known.means, err), hint)
	}
	return err
}
