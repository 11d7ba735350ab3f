package gitsync

import (
	"fmt"
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
