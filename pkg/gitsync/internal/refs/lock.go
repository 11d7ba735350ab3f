package refs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/appbur/appbur"
)

const (
	// stagedRef is the complete new content of a ref before it is put in place.
	// It is also what tells our own abandoned ref locks from those of git.
	stagedRef = "appbur.ref"
	// stagedPacked is what our lock of packed-refs is a link to.
	stagedPacked = "appbur.packed-refs"
	// lockInterval is how often a lock of git's is looked at again.
	lockInterval = 20 * time.Millisecond
)

// errLockWait is the cause of a wait that lasted long enough.
var errLockWait = errors.New("waited long enough")

// gitLockWait is how long git may hold a lock on refs before it is taken for one that
// a dead git left. Git itself takes some milliseconds.
const gitLockWait = 5 * time.Second

// takeLock makes a lock file of git's as a link to a staged one, so that a later
// writer knows whose it is if this one dies. It waits for git, which packs refs and
// deletes empty directories of them whenever it likes.
func (s *Store) takeLock(ctx context.Context, staged, lock, name string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, min(gitLockWait, s.LockWait), errLockWait)
	defer cancel()
	ticker := time.NewTicker(lockInterval)
	defer ticker.Stop()

	for {
		if err := os.MkdirAll(filepath.Dir(lock), 0o755); err != nil {
			return err
		}
		err := os.Link(staged, lock)
		if err == nil || !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			if !errors.Is(context.Cause(ctx), errLockWait) {
				return ctx.Err()
			}
			if errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return appbur.WithHint(fmt.Errorf("%s: %w by git", name, ErrLocked), "if no git command is running, delete "+lock)
		}
	}
}

// RecoverLocks removes the locks that a dead writer of ours left on a ref or on
// packed-refs: each is the same file as the staged content. Locks of git are other
// files and stay. The caller holds the writer lock, so nothing staged has a living
// owner.
func (s *Store) RecoverLocks() error {
	for _, left := range []struct{ staged, below string }{{stagedRef, "refs"}, {stagedPacked, packedRefsFile + ".lock"}} {
		if err := s.recoverLock(filepath.Join(s.Dir, left.staged), filepath.Join(s.Dir, left.below)); err != nil {
			return fmt.Errorf("recover from a dead writer: %w", err)
		}
	}
	return nil
}

func (s *Store) recoverLock(staged, below string) error {
	ours, err := os.Lstat(staged)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}

	err = filepath.WalkDir(below, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == below {
			return nil
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".lock") {
			return err
		}
		if info, err := d.Info(); err == nil && os.SameFile(info, ours) {
			return os.Remove(path)
		}
		return nil
	})

	return errors.Join(err, os.Remove(staged))
}
