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
func (f *failure) explain(name, dir string) {
	var exit *osexec.ExitError
	_, noDir := os.Stat(dir)
	switch {
	case errors.As(f.cause, &exit):
		f.ended = fmt.Sprintf("%s failed with %s", name, exit)
		f.hint = "run the command by hand, as the user of the adapter and with the variables that env: and set: give it, to see why"
		if exit.ExitCode() == 127 {
			f.hint = "127 is how a shell says that it does not find a program: install it where the adapter runs, or give its complete path"
		}
	case dir != "" && noDir != nil:
		f.ended = fmt.Sprintf("%s was not run: its directory cannot be entered (%v)", name, noDir)
		f.hint = "dir: of the command in the configuration names a directory that must be there and that the adapter may enter"

	case errors.Is(f.cause, osexec.ErrNotFound), errors.Is(f.cause, os.ErrNotExist):
		f.ended = fmt.Sprintf("%s was not run: there is no such program", name)
		f.hint = "install it where the adapter runs, or give its complete path as the first of argv: in the configuration"
	case errors.Is(f.cause, os.ErrPermission):
		f.ended = fmt.Sprintf("%s was not run: the adapter may not execute it", name)
		f.hint = "make it executable for the user of the adapter (chmod +x), or run the adapter as another user"
	case errors.Is(f.cause, syscall.ENOEXEC):
		f.ended = fmt.Sprintf("%s was not run: it is no program for this machine", name)
		f.hint = "take the build for this processor; a script begins with a line such as #!/bin/sh"
	default:
		f.ended = fmt.Sprintf("running %s: %v", name, f.cause)
		f.hint = appbur.FileHint(f.cause)
	}
}

// advised adds what to do about the failure of a command to its error.
func advised(failed *contract.Error, err error) error {
	var f *failure
	if errors.As(err, &f) && f.hint != "" {
		return appbur.WithHint(failed, f.hint)
	}
	return failed
}

// refused reports whether a command ran to its end and said no.
func refused(err error) bool {
	var exit *osexec.ExitError
	return errors.As(err, &exit)
}
