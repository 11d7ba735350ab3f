package gitsync

import (
	"context"
	"errors"
	"fmt"
)

// ErrFenced means that this process may not write any more, because another one does.
var ErrFenced = errors.New("another process is the one that writes")

// Fence has confirm asked before each write whether this process may still write. It is asked while the repository is
// locked: what writes to this directory after somebody else was told to, and has waited for the lock once ([Repository.Settle]),
// is refused. It is asked before a remote is written to as well. The other half of a fence is the compare-and-swap of each
// ref, here and there: nothing can be asked at the very moment of a write.
//
// It must be called before anything is written; nil asks nobody.
func (r *Repository) Fence(confirm func(context.Context) error) { r.fence = confirm }

// mayWrite asks the fence.
func (r *Repository) mayWrite(ctx context.Context) error {
	if r.fence == nil {
		return nil
	}
	if err := r.fence(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrFenced, err)
	}
	return nil
}

// Settle waits until nobody is in the middle of a write to this directory. Who begins to write asks for it first, and
// reads the refs afterwards.
func (r *Repository) Settle(ctx context.Context) error {
	turn, err := r.TakeTurn(ctx)
	if err != nil {
		return err
	}
	defer turn.Release()
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	unlock()
	return nil
}
