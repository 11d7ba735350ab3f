package repository

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// heldFile lists the points of a copy whose process stands by that a remote held when it began to. One of them that no
// remote has later was deleted by whoever wrote meanwhile, and must not come back with the next push.
const heldFile = "appbur-held.json"

const pointRefs = "refs/tags/" + appbur.RestorePointTagPrefix

// NoteHeld notes which points of this copy remotes hold now. Remotes that do not answer hold nothing.
func (r *Repository) NoteHeld(ctx context.Context, keysDir string, o gitsync.RemoteOptions) error {
	here, err := r.git.Refs(gitsync.MainRef, appbur.RestorePointTagPrefix)
	if err != nil {
		return err
	}
	there, _, err := r.pointsElsewhere(ctx, keysDir, o)
	if err != nil {
		return err
	}
	held := map[string]string{}
	for name, id := range here {
		if there[name] == id {
			held[name] = id.String()
		}
	}
	return r.writeNote(heldFile, held)
}

// DropDeletedElsewhere takes away the points of this copy that were noted as held by a remote and that no remote has any
// more, and returns their names. It is for a process that begins to write after it stood by. Nothing is taken away where
// a remote does not answer, or where none has a point: that is no work of retention.
func (r *Repository) DropDeletedElsewhere(ctx context.Context, keysDir string, o gitsync.RemoteOptions) ([]string, error) {
	held := map[string]string{}
	if err := r.readNote(heldFile, &held); err != nil || len(held) == 0 {
		return nil, err
	}
	here, err := r.git.Refs(gitsync.MainRef, appbur.RestorePointTagPrefix)
	if err != nil {
		return nil, err
	}
	there, all, err := r.pointsElsewhere(ctx, keysDir, o)
	if err != nil || !all || len(there) == 0 {
		return nil, err
	}

	gone := map[string]gitsync.Hash{}
	for name, id := range here {
		if _, has := there[name]; !has && held[name] == id.String() {
			gone[name] = id
		}
	}
	if err := r.git.DeleteRefs(ctx, gone, nil); err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(r.dir, heldFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return slices.Sorted(maps.Keys(gone)), nil
}

// pointsElsewhere are the points that remotes have, and whether all remotes say what they have.
func (r *Repository) pointsElsewhere(ctx context.Context, keysDir string, o gitsync.RemoteOptions) (there map[string]gitsync.Hash, all bool,
	err error,
) {
	remotes, err := r.Remotes()
	if err != nil {
		return nil, false, err
	}
	answers := make([]RemoteContent, len(remotes))
	errs := make([]error, len(remotes))
	var workers sync.WaitGroup
	for i, remote := range remotes {
		workers.Go(func() { answers[i], errs[i] = AskRemote(ctx, keysDir, remote, o) })
	}
	workers.Wait()

	there = map[string]gitsync.Hash{}
	for _, has := range answers {
		maps.Copy(there, has.points)
	}
	return there, errors.Join(errs...) == nil, ctx.Err()
}
