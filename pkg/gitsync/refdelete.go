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
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

const (
	packedRefsFile = "packed-refs"
	// stagedPacked is what our lock of packed-refs is a link to; see stagedRef.
	stagedPacked = "appbur.packed-refs"
	// newPacked is the complete new content before it is put in place.
	newPacked = "appbur.packed-refs.new"
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

	if err := r.dropRefs(ctx, gone); err != nil {
		return fmt.Errorf("delete refs: %w", err)
	}
	r.Reserve()
	return nil
}

// dropRefs deletes refs wherever they are. The caller holds the writer lock; that of
// packed-refs is held to the end, so that no `git pack-refs` that has read the file of
// a ref packs it again after it is gone.
func (r *Repository) dropRefs(ctx context.Context, gone map[string]Hash) (err error) {
	staged := filepath.Join(r.dir, stagedPacked)
	if err := r.WithRoom(func() error { return durable.Restage(staged, 0o644, writeNothing) }); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(staged)) }()
	lock := filepath.Join(r.dir, packedRefsFile+".lock")
	if err := r.WithRoom(func() error { return r.takeLock(ctx, staged, lock, packedRefsFile) }); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(lock)) }()

	// The packed file first: a loose ref hides its packed value, and that old value
	// must not come back when the loose one goes.
	if err := r.WithRoom(func() error { return r.dropPacked(gone) }); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		if err := r.WithRoom(func() error { return r.dropLoose(ctx, name, gone[name]) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *Repository) expectExisting(name string, hash Hash) error {
	if err := object.CheckRefName(name); err != nil {
		return err
	}
	if hash.IsZero() {
		return fmt.Errorf("%s: no object is given that it must point at", name)
	}
	return r.expectRef(name, hash)
}

// dropPacked writes packed-refs without the given refs, under its lock.
func (r *Repository) dropPacked(gone map[string]Hash) error {
	path := filepath.Join(r.dir, packedRefsFile)
	data, err := r.readPackedRefs()
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

	next := filepath.Join(r.dir, newPacked)
	if err := durable.Restage(next, 0o644, func(w io.Writer) error {
		_, err := w.Write(rest)
		return err
	}); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return durable.SyncDir(r.dir)
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
func (r *Repository) dropLoose(ctx context.Context, name string, hash Hash) (err error) {
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	staged := filepath.Join(r.dir, stagedRef)
	if err := durable.Restage(staged, 0o644, writeNothing); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(staged)) }()
	lock := path + ".lock"
	if err := r.takeLock(ctx, staged, lock, name); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(lock)) }()

	switch err := r.expectExisting(name, hash); {
	case errors.Is(err, ErrRefMoved) && !r.exists(name):
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

// exists reports whether there is a ref of a name.
func (r *Repository) exists(name string) bool {
	_, err := r.readRef(name)
	return !errors.Is(err, ErrRefNotFound)
}

// gitLockWait is how long git may hold a lock on refs before it is taken for one that
// a dead git left. Git itself takes some milliseconds.
const gitLockWait = 5 * time.Second

// takeLock makes a lock file of git's as a link to a staged one, so that a later
// writer knows whose it is if this one dies. It waits for git, which packs refs and
// deletes empty directories of them whenever it likes.
func (r *Repository) takeLock(ctx context.Context, staged, lock, name string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, min(gitLockWait, r.lockWait), errLockWait)
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
