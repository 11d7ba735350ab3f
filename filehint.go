package appbur

import (
	"errors"
	"io/fs"
	"syscall"
)

// FileHint returns the next step after what an operating system says of files, "" when
// err is none of that. It is the only list of them, for the command and the adapters;
// whoever knows more than the system adds a hint of their own.
func FileHint(err error) string {
	for _, h := range fileHints {
		for _, kind := range h.kinds {
			if errors.Is(err, kind) {
				return h.hint
			}
		}
	}
	var path *fs.PathError
	if errors.As(err, &path) && errors.Is(err, syscall.EINVAL) {
		return "look at the path: it may hold a character that no path has"
	}
	return ""
}

// fileHints are in the order in which they are tried; the first that matches decides.
var fileHints = []struct {
	kinds []error
	hint  string
}{
	{[]error{syscall.EROFS}, "name a place that can be written to"},
	{[]error{syscall.ENOSPC, syscall.EDQUOT}, "free some space there, or name another place"},
	{[]error{fs.ErrPermission}, "look at who may use this path, or name another"},
	{[]error{syscall.ENAMETOOLONG}, "name a shorter path"},
	{[]error{syscall.ELOOP}, "symbolic links on the path lead in a circle; name the place itself"},
	{[]error{syscall.EMLINK}, "the directory holds all the entries that its file system allows; name another place"},
	{[]error{syscall.EMFILE, syscall.ENFILE}, "raise the limit of open files (ulimit -n)"},
	{[]error{syscall.EXDEV}, "it must lie in one file system; look for mounts below it"},
	{[]error{syscall.EIO, syscall.ESTALE}, "the disk or the mount fails; look at the system's log before you write there again"},
	{[]error{syscall.ENOTDIR, syscall.EISDIR, fs.ErrExist, syscall.ENOTEMPTY}, "name another place, where nothing is in the way"},
	{[]error{fs.ErrNotExist}, "check the path; the directory that it lies in must be one that files can be made in"},
}
