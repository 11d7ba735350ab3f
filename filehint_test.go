package appbur_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/appbur/appbur"
)

// Every kind of refusal of the operating system has a next step, however deep it lies.
func TestFileHint(t *testing.T) {
	for kind, want := range map[error]string{
		syscall.EACCES:       "who may use",
		syscall.EPERM:        "who may use",
		syscall.EROFS:        "can be written to",
		syscall.ENOSPC:       "free some space",
		syscall.EDQUOT:       "free some space",
		syscall.ENAMETOOLONG: "shorter",
		syscall.ELOOP:        "circle",
		syscall.EMLINK:       "another place",
		syscall.EMFILE:       "ulimit",
		syscall.EXDEV:        "one file system",
		syscall.EIO:          "the disk",
		syscall.ENOTDIR:      "in the way",
		syscall.EISDIR:       "in the way",
		syscall.EEXIST:       "in the way",
		syscall.ENOTEMPTY:    "in the way",
		syscall.ENOENT:       "check the path",
		syscall.EINVAL:       "a character",
	} {
		err := fmt.Errorf("doing it: %w", &fs.PathError{Op: "open", Path: "/x", Err: kind})
		if got := appbur.FileHint(err); !strings.Contains(got, want) {
			t.Errorf("%v: the hint is %q, want %q", err, got, want)
		}
	}

	if got := appbur.FileHint(errors.New("x")); got != "" {
		t.Errorf("an error of something else has the hint %q", got)
	}
	if _, err := os.Open(filepath.Join(t.TempDir(), "missing")); appbur.FileHint(err) == "" {
		t.Errorf("%v has no hint", err)
	}
}
