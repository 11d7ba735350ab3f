package pack

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
	hint  string
}{
	{syscall.EDQUOT, ErrNoSpace, "raise the quota on the file system of %s, or make space, and run again; nothing is damaged"},
	{syscall.EFBIG, ErrNoSpace, "allow larger files below %s and run again; nothing is damaged"},
	{syscall.EROFS, ErrReadOnly, "mount the file system of %s for writing and run again; nothing is damaged"},
	{fs.ErrPermission, ErrReadOnly, "make %s writable for this user and run again; nothing is damaged"},
}

// DiskError says in words of this package that a repository could not be
// written, and what to do. Other errors pass.
func DiskError(dir string, err error) error {
	if err == nil || errors.Is(err, ErrNoSpace) || errors.Is(err, ErrReadOnly) {
		return err
	}
	if errors.Is(err, syscall.ENOSPC) {
		return appbur.WithHint(&NoSpaceError{Dir: dir, Err: err}, "make room on the file system of "+dir+" and run again; nothing is damaged")
	}
	for _, known := range storageErrors {
		if errors.Is(err, known.cause) {
			return appbur.WithHint(fmt.Errorf("%w: %w", known.means, err), fmt.Sprintf(known.hint, dir))
		}
	}
	return err
}
