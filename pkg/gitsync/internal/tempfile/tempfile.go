//go:build unix

package tempfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Create makes a file in a directory, under a name of its own that begins with prefix.
// The file is locked for as long as it is open: a file that can be locked
// has lost its owner, and whoever finds it may remove it.
func Create(dir, prefix string) (*os.File, error) {
	for {
		file, err := os.CreateTemp(dir, prefix+"_*")
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
		// Somebody who cleans up may have been faster than our lock.
		if err == nil && isNamed(file) {
			return file, nil
		}
		_ = file.Close()
	}
}

// CreateDir makes a directory in the same way. It is locked while it is open.
func CreateDir(parent, prefix string) (*os.File, error) {
	for {
		path, err := os.MkdirTemp(parent, prefix)
		if err != nil {
			return nil, err
		}
		dir, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody who cleans up was faster
		}

		if err != nil {
			return nil, errors.Join(err, os.Remove(path))
		}
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(err, dir.Close(), os.Remove(path))
		}
		if err == nil && isNamed(dir) {
			return dir, nil
		}
		_ = dir.Close()
	}
}

// RemoveAbandonedDirs removes the directories with such names whose owner is dead.
func RemoveAbandonedDirs(parent, prefix string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return fmt.Errorf("look for abandoned directories: %w", err)
	}

	for _, entry := range entries {
		if !entry.IsDir() || !strings.HasPrefix(entry.Name(), prefix) {
			continue
		}
		path := filepath.Join(parent, entry.Name())
		dir, err := os.Open(path)
		if err != nil {
			continue // finished or removed since it was listed, or not ours
		}
		if syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(path) // what is in the way of nothing may stay
		}
		_ = dir.Close()
	}

	return nil
}

// isNamed reports whether the file is still found under its name.
func isNamed(file *os.File) bool {
	own, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(file.Name())
	return err == nil && os.SameFile(own, named)
}

// RemoveUnowned removes a file whose owner is dead. One that is gone, or whose owner
// lives, is no error.
func RemoveUnowned(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // finished or removed since it was listed
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return nil // its owner lives
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
