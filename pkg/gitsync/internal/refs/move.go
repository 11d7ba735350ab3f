package refs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Move sets a ref from one object to another, durably and in one step. The
// zero id means "does not exist". The caller holds the writer lock; the
// ".lock" file keeps stock git out as well.
func (s *Store) Move(ctx context.Context, name string, from, to object.Hash) (err error) {
	if err := object.CheckRefName(name); err != nil {
		return err
	}
	path := filepath.Join(s.Dir, filepath.FromSlash(name))
	staged := filepath.Join(s.Dir, stagedRef)
	if err := durable.Restage(staged, 0o644, func(w io.Writer) error {
		_, err := w.Write([]byte(to.String() + "\n"))
		return err
	}); err != nil {
		return fmt.Errorf("move ref: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(staged)) }()

	// A link, not a write: the lock file is never seen half written.
	lock := path + ".lock"
	if err := s.takeLock(ctx, staged, lock, name); err != nil {
		return fmt.Errorf("move ref: %w", err)
	}

	// Once it is renamed, a lock of that name is somebody else's.
	locked := true
	defer func() {
		if locked {
			_ = os.Remove(lock)
		}
	}()

	if err := s.Expect(name, from); err != nil {
		return err
	}
	if err := os.Rename(lock, path); err != nil {
		return fmt.Errorf("move ref: %w", err)
	}
	locked = false
	return s.sync(name, to)
}

// Expect reports [ErrMoved] if a ref is not where it should be.
func (s *Store) Expect(name string, want object.Hash) error {
	got, err := s.Resolve(name)
	if errors.Is(err, ErrNotFound) {
		got, err = object.Hash{}, nil
	}
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%w: %s is at %s, not at %s", ErrMoved, name, describe(got), describe(want))
	}
	return nil
}

func describe(id object.Hash) string {
	if id.IsZero() {
		return "nothing"
	}
	return id.Short()
}

// sync makes the name of a ref durable, and the names of the directories that had to
// be made for it. If one is gone, git has packed the ref meanwhile, which is durable, and
// has removed a directory that became empty.
func (s *Store) sync(name string, at object.Hash) error {
	for dir := filepath.Dir(filepath.Join(s.Dir, filepath.FromSlash(name))); len(dir) > len(s.Dir); dir = filepath.Dir(dir) {
		err := durable.SyncDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return s.Expect(name, at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
