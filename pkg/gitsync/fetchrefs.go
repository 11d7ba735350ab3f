package gitsync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// remoteRefs are refs to what remotes had when they were fetched from last.
const remoteRefs = "refs/remotes/"

// RemoteBranch is the ref to what a branch of a remote was when it was fetched from last, where stock git keeps it as well.
func RemoteBranch(remote, branch string) string {
	return remoteRefs + remote + "/" + strings.TrimPrefix(branch, "refs/heads/")
}

func removeAll(dir string) { _ = os.RemoveAll(dir) } // the next fetch removes what is left

// finish proves that nothing is missing, and moves refs. No maintenance takes objects away meanwhile.
func (f *fetch) finish(ctx context.Context) (Fetched, error) {
	unlockPacks, err := f.repo.lockMaintenance(ctx, true)
	if err != nil {
		return f.done, err
	}
	defer unlockPacks()
	if err := f.connected(); err != nil {
		return f.done, broken(err)
	}
	if err := f.relate(); err != nil {
		return f.done, err
	}
	if err := f.approve(); err != nil {
		return f.done, err
	}

	unlock, err := f.repo.lock(ctx)
	if err != nil {
		return f.done, err
	}
	defer unlock()
	return f.done, pack.DiskError(f.repo.dir, f.move(ctx))
}

func (f *fetch) approve() error {
	if f.what.Approve == nil {
		return nil
	}
	return f.what.Approve(f.done)
}

// connected demands that everything that new commits and tags lead to is here.
func (f *fetch) connected() error {
	missing := f.repo.newMissing()
	if !f.done.Tip.IsZero() && f.done.Tip != f.ours {
		if err := missing.addHistory([]Hash{f.done.Tip}, []Hash{f.ours}); err != nil {
			return err
		}
	}
	for _, id := range f.tags {
		commit, err := missing.addTag(id)
		if err != nil {
			return err
		}
		if err := missing.addHistory([]Hash{commit}, []Hash{f.ours, f.done.Tip}); err != nil {
			return err
		}
	}

	if !f.notes.IsZero() {
		if err := missing.addHistory([]Hash{f.notes}, f.ourNotes()); err != nil {
			return err
		}
	}

	for _, id := range missing.objects {
		if _, _, found := f.repo.objects.Find(id); found {
			continue
		}
		if _, err := f.repo.objects.Read(id); err != nil {
			return err
		}
	}
	return nil
}

// relate says how the remote is related to this repository now that its commits are here.
func (f *fetch) relate() error {
	comparison, err := f.repo.comparison(f.there, f.what.Branch)
	if err != nil {
		return err
	}
	f.done.State = comparison.State
	if f.ours, err = f.repo.refs.Resolve(f.what.Branch); err != nil || f.done.State != RemoteAhead {
		return err
	}
	f.done.Commits, _, err = f.repo.descends(f.done.Tip, f.ours)
	return err
}

// move moves the branch first: a tag without the commits that it continues would be none of this history. The caller
// holds the lock.
func (f *fetch) move(ctx context.Context) error {
	refs := f.repo.refs
	if !f.done.Tip.IsZero() {
		name := RemoteBranch(f.remote.Name, f.what.Branch)
		was, err := refs.Resolve(name)
		if err != nil && !errors.Is(err, ErrRefNotFound) {
			return err
		}
		if was != f.done.Tip {
			if err := refs.Move(ctx, name, was, f.done.Tip); err != nil {
				return fmt.Errorf("fetch: %w", err)
			}
		}
	}
	if err := f.moveNotes(ctx); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	if f.done.State == RemoteAhead {
		if err := refs.Move(ctx, f.what.Branch, f.ours, f.done.Tip); err != nil {
			return fmt.Errorf("fetch: %w", err)
		}
	}

	for _, name := range slices.Sorted(maps.Keys(f.tags)) {
		err := refs.Move(ctx, name, Hash{}, f.tags[name])
		if errors.Is(err, ErrRefMoved) {
			continue // made here since it was looked for
		}
		if err != nil {
			return fmt.Errorf("fetch: %w", err)
		}
		if f.what.isBeside(name) {
			continue
		}
		f.done.Tags = append(f.done.Tags, strings.TrimPrefix(name, object.TagRefs))
	}
	return nil
}
