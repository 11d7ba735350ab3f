package gitsync

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Tip returns the object that a ref points at; the name is a full one such as
// "refs/heads/main", or "HEAD". The tip of an annotated tag is the tag object.
func (r *Repository) Tip(ref string) (Hash, error) {
	return r.refs.Resolve(ref)
}

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
			if err := r.refs.ExpectExisting(name, expected[name]); err != nil {
				return fmt.Errorf("delete refs: %w", err)
			}
		}
	}

	if err := r.refs.Delete(ctx, gone); err != nil {
		return fmt.Errorf("delete refs: %w", err)
	}
	r.Reserve()
	return nil
}
