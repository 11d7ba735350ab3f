package refs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Delete deletes refs wherever they are. The caller holds the writer lock; that of
// packed-refs is held to the end, so that no `git pack-refs` that has read the file of
// a ref packs it again after it is gone.
func (s *Store) Delete(ctx context.Context, gone map[string]object.Hash) (err error) {
	staged := filepath.Join(s.Dir, stagedPacked)
	if err := s.withRoom(func() error { return durable.Restage(staged, 0o644, writeNothing) }); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(staged)) }()
	lock := filepath.Join(s.Dir, packedRefsFile+".lock")
	if err := s.withRoom(func() error { return s.takeLock(ctx, staged, lock, packedRefsFile) }); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(lock)) }()

	// The packed file first: a loose ref hides its packed value, and that old value
	// must not come back when the loose one goes.
	if err := s.withRoom(func() error { return s.deletePacked(gone) }); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		if err := s.withRoom(func() error { return s.deleteLoose(ctx, name, gone[name]) }); err != nil {
			return err
		}
	}
	return nil
}

// ExpectExisting is [Store.Expect] for a ref that must exist.
func (s *Store) ExpectExisting(name string, hash object.Hash) error {
	if err := object.CheckRefName(name); err != nil {
		return err
	}
	if hash.IsZero() {
		return fmt.Errorf("%s: no object is given that it must point at", name)
	}
	return s.Expect(name, hash)
}

// deletePacked writes packed-refs without the given refs, under its lock.
func (s *Store) deletePacked(gone map[string]object.Hash) error {
	path := filepath.Join(s.Dir, packedRefsFile)
	data, err := s.readPacked()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	rest, dropped := withoutPacked(data, gone)
	if !dropped {
		return nil
	}

	next := filepath.Join(s.Dir, newPacked)
	if err := durable.Restage(next, 0o644, func(w io.Writer) error {
		_, err := w.Write(rest)
		return err
	}); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return durable.SyncDir(s.Dir)
}

// withoutPacked removes refs, and the "^" lines that belong to them, from the content
// of packed-refs.
func withoutPacked(data []byte, gone map[string]object.Hash) (rest []byte, dropped bool) {
	dropping := false
	for line := range bytes.Lines(data) {
		_, name, isRef := bytes.Cut(bytes.TrimRight(line, "\n"), []byte(" "))
		switch {
		case len(line) > 0 && line[0] == '^':
		case len(line) > 0 && line[0] == '#' || !isRef:
			dropping = false
		default:
			_, dropping = gone[string(name)]
		}
		if dropping {
			dropped = true
			continue
		}
		rest = append(rest, line...)
	}
	return rest, dropped
}

// deleteLoose deletes the file of a ref, if it has one. Stock git may have moved the ref
// since it was looked at, so it is looked at again under git's own lock.
func (s *Store) deleteLoose(ctx context.Context, name string, hash object.Hash) (err error) {
	path := filepath.Join(s.Dir, filepath.FromSlash(name))
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	staged := filepath.Join(s.Dir, stagedRef)
	if err := durable.Restage(staged, 0o644, writeNothing); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(staged)) }()
	lock := path + ".lock"
	if err := s.takeLock(ctx, staged, lock, name); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(lock)) }()

	switch err := s.ExpectExisting(name, hash); {
	case errors.Is(err, ErrMoved) && !s.Exists(name):
		return nil // packed by git, and dropped from there by us
	case err != nil:
		return err
	}

	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.SyncDir(filepath.Dir(path)) // our lock is in it, so git lets it be
}

func writeNothing(io.Writer) error { return nil }

func (s *Store) withRoom(write func() error) error {
	if s.WithRoom == nil {
		return write()
	}
	return s.WithRoom(write)
}
