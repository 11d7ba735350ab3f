package exec

import (
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"syscall"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// explain says why a command did not run or did not end well, and what to do.
func (f *Failure) explain(name, dir string) {
	var exit *osexec.ExitError
	_, noDir := os.Stat(dir)
	switch {
	case errors.As(f.Cause, &exit):
		f.Refused = true
		f.Ended = fmt.Sprintf("%s failed with %s", name, exit)
		f.Hint = "run the command by hand, as the user of the adapter and with the variables that env: and set: give it, to see why"
		if exit.ExitCode() == 127 {
			f.Hint = "127 is how a shell says that it does not find a program: install it where the adapter runs, or give its complete path"
		}
	case dir != "" && noDir != nil:
		f.Ended = fmt.Sprintf("%s was not run: its directory cannot be entered (%v)", name, noDir)
		f.Hint = "dir: of the command in the configuration names a directory that must be there and that the adapter may enter"

	case errors.Is(f.Cause, osexec.ErrNotFound), errors.Is(f.Cause, os.ErrNotExist):
		f.Ended = fmt.Sprintf("%s was not run: there is no such program", name)
		f.Hint = "install it where the adapter runs, or give its complete path as the first of argv: in the configuration"
	case errors.Is(f.Cause, os.ErrPermission):
		f.Ended = fmt.Sprintf("%s was not run: the adapter may not execute it", name)
		f.Hint = "make it executable for the user of the adapter (chmod +x), or run the adapter as another user"
	case errors.Is(f.Cause, syscall.ENOEXEC):
		f.Ended = fmt.Sprintf("%s was not run: it is no program for this machine", name)
		f.Hint = "take the build for this processor; a script begins with a line such as #!/bin/sh"
	default:
		f.Ended = fmt.Sprintf("running %s: %v", name, f.Cause)
		f.Hint = appbur.FileHint(f.Cause)
	}
}

// advised adds what to do about the failure of a command to its error.
func advised(failed *contract.Error, err error) error {
	var f *Failure
	if errors.As(err, &f) && f.Hint != "" {
		return appbur.WithHint(failed, f.Hint)
	}
	return failed
}

// refused reports whether a command ran to its end and said no.
func refused(err error) bool {
	var f *Failure
	return errors.As(err, &f) && f.Refused
}
