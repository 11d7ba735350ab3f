//go:build unix

package gitsync

import (
	"context"
	"os"
)

// turnFile is locked by the writer whose turn it is.
const turnFile = "appbur-turn.lock"

// Turn is the right to make the next commit on a branch. Whoever commits takes a turn;
// a writer whose commit was overtaken takes one, goes on from the new tip and commits
// before anybody else does, however busy the others are. A push by git can still be
// faster.
type Turn struct {
	repo *Repository
	file *os.File
}

// TakeTurn waits until it is the caller's turn. The system gives a turn on when its
// holder dies.
func (r *Repository) TakeTurn(ctx context.Context) (*Turn, error) {
	file, err := r.holdLock(ctx, turnFile)
	if err != nil {
		return nil, err
	}
	return &Turn{repo: r, file: file}, nil
}

// Release lets the next writer go on.
func (t *Turn) Release() { _ = t.file.Close() }

// Commit is [Repository.Commit] in this turn.
func (t *Turn) Commit(ctx context.Context, ref string, e *Edit, c CommitInfo) (Hash, error) {
	return t.repo.commit(ctx, ref, e, c)
}
