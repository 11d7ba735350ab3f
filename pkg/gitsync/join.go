package gitsync

import (
	"context"
)

// Join makes one history of two: a commit with the files of one of two tips and both as parents, the one whose files it
// has first. The ref must be at ours; otherwise the error is [ErrRefMoved].
func (r *Repository) Join(ctx context.Context, ref string, ours, theirs, files Hash, c CommitInfo) (Hash, error) {
	turn, err := r.TakeTurn(ctx)
	if err != nil {
		return Hash{}, err
	}
	defer turn.Release()
	e, err := r.Edit(files)
	if err != nil {
		return Hash{}, err
	}
	defer e.Discard()

	c.Parents, c.AllowEmpty = []Hash{ours, theirs}, true
	if files == theirs {
		c.Parents = []Hash{theirs, ours}
	}
	return r.commitOn(ctx, ref, ours, e, c)
}

// Only returns the commits that one commit leads to and another does not, newest first.
func (r *Repository) Only(of, without Hash) ([]Commit, error) {
	return r.beyond([]Hash{of}, []Hash{without})
}
