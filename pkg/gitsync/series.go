package gitsync

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// Part is one commit of a series: a part of what an edit changes.
type Part struct {
	CommitInfo
	// Final are the paths that are in this commit as the edit has them, or no longer there.
	Final []string
	// Passing is what files hold in this commit that the edit has otherwise, nil for one that is not there.
	Passing map[string][]byte
}

// CommitSeries is [Repository.Commit] in several commits, one on top of the other. The last part has the tree of the edit, whatever
// paths it names. A part that changes nothing makes no commit. All appear at once or not at all: there is one pack,
// and the ref moves once.
//
// It returns the commit of each part, zero for one that made none.
func (r *Repository) CommitSeries(ctx context.Context, ref string, e *Edit, parts []Part) ([]Hash, error) {
	turn, err := r.TakeTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer turn.Release()
	return turn.CommitSeries(ctx, ref, e, parts)
}

// CommitSeries is [Repository.CommitSeries] in this turn.
func (t *Turn) CommitSeries(ctx context.Context, ref string, e *Edit, parts []Part) ([]Hash, error) {
	if len(parts) == 0 {
		return nil, errors.New("commit: a series has no part")
	}
	r := t.repo
	e.mu.Lock()
	defer e.mu.Unlock()
	unlock, err := r.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := r.refs.Expect(ref, e.base); err != nil {
		return nil, appbur.WithHint(err, "another writer committed; start again from its commit")
	}

	built, err := e.build()
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	made, err := r.buildSeries(e, built, parts)
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	if made.tip == e.base {
		e.settle(e.base)
		return made.commits, ErrUnchanged
	}

	if err := e.store(built, made.objects...); err != nil {
		return nil, pack.DiskError(r.dir, fmt.Errorf("commit: %w", err))
	}
	if err := r.refs.Move(ctx, ref, e.base, made.tip); err != nil {
		return nil, pack.DiskError(r.dir, fmt.Errorf("commit: %w", err))
	}
	e.settle(made.tip)
	r.rollUp(ctx)
	return made.commits, nil
}

// series is what a series comes to: its commits, newest first among the objects, and what they need besides the edit's own tree.
type series struct {
	commits []Hash
	tip     Hash
	objects []pack.Object
}

// buildSeries makes the commits. The tree of each is that of the one before with the files of its part.
func (r *Repository) buildSeries(e *Edit, final builtTree, parts []Part) (series, error) {
	passing, err := r.Edit(e.base)
	if err != nil {
		return series{}, err
	}
	passing.spill.limit = maxPassing
	made := series{commits: make([]Hash, len(parts)), tip: e.base}
	root := e.baseTree()
	var commits, content []pack.Object
	ours := map[Hash]bool{} // what the edit's own pack has in any case
	for _, blob := range final.blobs {
		ours[blob.ID] = true
	}

	for i, part := range parts {
		next := final.root
		if i < len(parts)-1 {
			if err := passing.advance(e, part); err != nil {
				return series{}, err
			}
			built, err := passing.build()
			if err != nil {
				return series{}, err
			}
			next = built.root
			content = append(content, built.trees...)
			for _, blob := range built.blobs {
				if !ours[blob.ID] {
					content = append(content, blob.Object)
				}
			}
		}
		if next == root && !part.AllowEmpty {
			continue
		}
		commit, err := newCommit(next, made.tip, part.CommitInfo)
		if err != nil {
			return series{}, err
		}
		passing.settle(commit.ID)
		commits = append(commits, commit)
		made.commits[i], made.tip, root = commit.ID, commit.ID, next
	}

	for i := len(commits) - 1; i >= 0; i-- {
		made.objects = append(made.objects, commits[i])
	}
	made.objects = append(made.objects, content...)
	return made, nil
}

// maxPassing is more than passing content ever is: it is all in memory until it is committed, so whoever makes a series bounds it.
const maxPassing = math.MaxInt

// advance brings a tree from one part to the next.
func (e *Edit) advance(to *Edit, part Part) error {
	for _, path := range part.Final {
		names, err := object.SplitPath(path)
		if err != nil {
			return err
		}
		n, err := to.find(names)
		if err != nil {
			return err
		}
		if n == nil || n.isDir() {
			if _, err := e.Remove(path); err != nil {
				return err
			}
			continue
		}
		if _, err := e.put(names, &heldBlob{Object: pack.Object{ID: n.id}}); err != nil {
			return err
		}
		if file, err := e.find(names); err == nil && file != nil && file.mode == filemode.Regular {
			file.blob = nil // the edit brings it
		}
	}

	for path, data := range part.Passing {
		var err error
		if data == nil {
			_, err = e.Remove(path)
		} else {
			_, err = e.Put(path, data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
