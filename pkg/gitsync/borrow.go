package gitsync

import (
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// Borrow lets the edit rely on the content of a directory of a commit instead of
// writing it again. The caller has to keep that commit until the edit is committed
// ([Repository.Pin]), and everything borrowed must be here: the error is
// [ErrObjectNotFound] if it is not. A directory that does not exist is no error.
func (e *Edit) Borrow(commit Hash, dir string) error {
	files, err := e.repo.present(commit, dir)
	for _, file := range files {
		e.borrowed.Store(file.id, true)
	}
	return err
}

// Take puts the files below a directory of a commit into the edit, in the same places, beside what the edit has there.
// None is read: that they are here is enough. What holds for the commit of [Edit.Borrow] holds for this one.
func (e *Edit) Take(commit Hash, dir string) error {
	files, err := e.repo.present(commit, dir)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()

	for _, file := range files {
		names, err := object.SplitPath(file.path)
		if err != nil {
			return err
		}
		blob := &heldBlob{Object: pack.Object{ID: file.id, Kind: plumbing.BlobObject}, published: true}
		if _, err := e.put(names, blob); err != nil {
			return err
		}
	}
	return nil
}

// Present demands that all files below a directory of a commit are here. They are
// looked for and not read.
func (r *Repository) Present(commit Hash, dir string) error {
	_, err := r.present(commit, dir)
	return err
}

func (r *Repository) present(commit Hash, dir string) ([]storedFile, error) {
	snapshot, err := r.Snapshot(commit)
	if err != nil {
		return nil, err
	}
	files, err := snapshot.files(dir)
	if err != nil {
		return nil, err
	}
	// What was found before may have been pruned since.
	if err := r.objects.Rescan(); err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := r.objects.Holds(file.id); err != nil {
			return nil, fmt.Errorf("%s: %w", file.path, err)
		}
	}
	return files, nil
}
