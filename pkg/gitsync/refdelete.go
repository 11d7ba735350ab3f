package gitsync

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

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur"
)

const (
	packedRefsFile = "packed-refs"
	// stagedPacked is the complete new content of packed-refs before it is put in
	// place; see stagedRef.
	stagedPacked = "appbur.packed-refs"
)

// DeleteRefs takes refs away, by compare-and-swap: all refs of gone must be where the
// map says, and all of kept as well, or nothing is deleted and the error is
// [ErrRefMoved]. So a caller that deletes something because something else remains can
// say so, and two that do so at once cannot delete both. Names are full ones.
//
// A process that dies on the way leaves each ref as it was or gone. The objects stay
// until maintenance.
func (r *Repository) DeleteRefs(ctx context.Context, gone, kept map[string]Hash) error {
	if len(gone) == 0 {
		return nil
	}
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	for _, expected := range []map[string]Hash{kept, gone} {
		for _, name := range slices.Sorted(maps.Keys(expected)) {
			if err := r.expectExisting(name, expected[name]); err != nil {
				return fmt.Errorf("delete refs: %w", err)
			}
		}
	}
	// The packed file first: a loose ref hides its packed value, and that old value
	// must not come back when the loose one goes.
	if err := r.dropPacked(gone); err != nil {
		return fmt.Errorf("delete refs: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		if err := r.dropLoose(name, gone[name]); err != nil {
			return fmt.Errorf("delete refs: %w", err)
		}
	}
	return nil
}

func (r *Repository) expectExisting(name string, hash Hash) error {
	if err := plumbing.ReferenceName(name).Validate(); err != nil {
		return fmt.Errorf("ref %q: %w", name, err)
	}
	want, err := idOf(hash)
	if err != nil {
		return fmt.Errorf("ref %s: %w", name, err)
	}
	return r.expectRef(name, want)
}

// dropPacked writes packed-refs without the given refs. The caller holds the writer
// lock; packed-refs.lock keeps stock git out.
func (r *Repository) dropPacked(gone map[string]Hash) (err error) {
	staged := filepath.Join(r.dir, stagedPacked)
	path := filepath.Join(r.dir, packedRefsFile)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	// The lock is taken before the file is read, with a link to a file that is not
	// complete yet: nobody reads a lock.
	if err := writeDurably(staged, 0o644, writeNothing); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(staged)) }()
	lock := path + ".lock"
	if err := takeLock(staged, lock, packedRefsFile); err != nil {
		return err
	}
	defer func() {
		if removeErr := os.Remove(lock); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}()
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rest, dropped := withoutPacked(data, gone)
	if !dropped {
		return nil
	}
	file, err := os.OpenFile(staged, os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(rest)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(lock, path); err != nil {
		return err
	}
	return syncDir(r.dir)
}

// withoutPacked removes refs, and the "^" lines that belong to them, from the content
// of packed-refs.
func withoutPacked(data []byte, gone map[string]Hash) (rest []byte, dropped bool) {
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

// dropLoose deletes the file of a ref, if it has one. Stock git may have moved the ref
// since it was looked at, so it is looked at again under git's own lock.
func (r *Repository) dropLoose(name string, hash Hash) (err error) {
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	staged := filepath.Join(r.dir, stagedRef)
	if err := writeDurably(staged, 0o644, writeNothing); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(staged)) }()
	lock := path + ".lock"
	if err := takeLock(staged, lock, name); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(lock)) }()
	if err := r.expectExisting(name, hash); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeNothing(io.Writer) error { return nil }

// takeLock makes a lock file as a link to a staged one, so that a later writer knows
// whose it is if this one dies.
func takeLock(staged, lock, name string) error {
	err := os.Link(staged, lock)
	if errors.Is(err, fs.ErrExist) {
		return appbur.WithHint(fmt.Errorf("%s: %w by git", name, ErrLocked), "if no git command is running, delete "+lock)
	}
	return err
}
