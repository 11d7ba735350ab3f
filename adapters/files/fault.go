package files

import (
	"errors"
	"syscall"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// errInTheWay means that files which no pattern chooses are where others should be.
var errInTheWay = errors.New("a directory that is not empty is where a file should be")

// systemError turns what the operating system refuses during a call into an error that a
// caller may read, with what to do. Paths are rows, so it names none.
func systemError(doing string, err error) error {
	var refused syscall.Errno
	switch {
	case err == nil || contract.ReasonOf(err) != "":
		return err
	case errors.Is(err, errInTheWay):
		return appbur.WithHint(contract.NewError(contract.ReasonAppFailed, "%s: %w", doing, errInTheWay),
			"move away what is in that directory, or let a pattern choose it")
	case !errors.As(err, &refused):
		return err
	}

	reason, hint := contract.ReasonAppFailed, appbur.FileHint(refused)
	switch refused {
	case syscall.ENOSPC, syscall.EDQUOT:
		reason, hint = contract.ReasonNoSpace, "free some space on the volume of the files: an import needs room for all of them beside those that are there"
	case syscall.EPERM, syscall.EACCES:
		hint = "run the adapter as the user whose files they are, or as root"
	case syscall.EROFS:
		hint = "an import and an export both write below root, in .appbur: mount it so that it can be written to"
	}
	fault := contract.NewError(reason, "%s: %w", doing, refused)
	if hint == "" {
		return fault
	}
	return appbur.WithHint(fault, hint)
}
