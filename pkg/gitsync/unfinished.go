//go:build unix

package gitsync

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// The beginnings of the names of files that are being written. They are not as git's
// own, which `git prune --expire=now` takes away from under whoever writes them, and
// never end in ".pack" or ".idx": stock git reads every file that does, finished or
// not.
const (
	unfinishedPack  = "appbur_tmp_pack"
	unfinishedIndex = "appbur_tmp_idx"
)

// unfinishedNames are those beginnings, and the ones that earlier versions used.
var unfinishedNames = []string{unfinishedPack, unfinishedIndex, "tmp_pack_appbur", "tmp_idx_appbur"}

func isUnfinished(name string) bool {
	return slices.ContainsFunc(unfinishedNames, func(begin string) bool { return strings.HasPrefix(name, begin) })
}

// createUnfinished makes a file in the directory of packs under a name of its
// own. The file is locked for as long as it is open: a file that can be locked
// has lost its owner, and whoever finds it may remove it.
func createUnfinished(dir, prefix string) (*os.File, error) {
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

// unfinishedClone begins the names of directories in which clones are made, next to
// where they will be.
const unfinishedClone = ".appbur-clone-"

// createUnfinishedClone makes such a directory. As with files, it is locked while it
// is open, and without an owner when it can be locked.
func createUnfinishedClone(parent string) (*os.File, error) {
	for {
		path, err := os.MkdirTemp(parent, unfinishedClone)
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

// removeAbandonedClones removes what clones left that were killed.
func removeAbandonedClones(parent string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return fmt.Errorf("look for abandoned clones: %w", err)
	}

	for _, entry := range entries {
		if !entry.IsDir() || !strings.HasPrefix(entry.Name(), unfinishedClone) {
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

// removeAbandoned removes unfinished files, and holds on packs, whose owner is dead.
func removeAbandoned(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look for abandoned files: %w", err)
	}
	for _, entry := range entries {
		if !isUnfinished(entry.Name()) && !isHold(dir, entry) {
			continue
		}
		if err := removeUnowned(filepath.Join(dir, entry.Name())); err != nil {
			return fmt.Errorf("remove an abandoned file: %w", err)
		}
	}
	return nil
}

func removeUnowned(path string) error {
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
