package gitsync

import (
	"fmt"
	"slices"
	"strings"
)

// Change is a file that differs between two commits. From is empty for a file
// that was added, To for one that was removed.
type Change struct {
	Path string
	From Hash
	To   Hash
}

// Diff returns the files that differ between two commits, sorted by path. The
// empty Hash stands for an empty tree. Directories that are equal are not read.
func (r *Repository) Diff(a, b Hash) ([]Change, error) {
	from, err := r.rootOf(a)
	if err != nil {
		return nil, fmt.Errorf("diff: %w", err)
	}
	to, err := r.rootOf(b)
	if err != nil {
		return nil, fmt.Errorf("diff: %w", err)
	}
	var changes []Change
	if err := r.diffTrees("", from, to, &changes); err != nil {
		return nil, fmt.Errorf("diff: %w", err)
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return changes, nil
}

func (r *Repository) rootOf(commit Hash) (objectID, error) {
	if commit == "" {
		return emptyTree, nil
	}
	c, err := r.ReadCommit(commit)
	if err != nil {
		return objectID{}, err
	}
	return idOf(c.Tree)
}

func (r *Repository) diffTrees(dir string, a, b objectID, changes *[]Change) error {
	if a == b {
		return nil
	}
	from, err := r.objects.readTree(a)
	if err != nil {
		return err
	}
	to, err := r.objects.readTree(b)
	if err != nil {
		return err
	}
	before := make(map[string]treeEntry, len(from))
	for _, e := range from {
		before[e.name] = e
	}
	for _, e := range to {
		if err := r.diffEntry(dir+e.name, before[e.name], e, changes); err != nil {
			return err
		}
		delete(before, e.name)
	}
	for name, e := range before {
		if err := r.diffEntry(dir+name, e, treeEntry{}, changes); err != nil {
			return err
		}
	}
	return nil
}

// diffEntry compares what two trees have under one name; the zero entry is
// nothing. A file that became a directory is a removal and additions.
func (r *Repository) diffEntry(path string, a, b treeEntry, changes *[]Change) error {
	below := func(e treeEntry) objectID {
		if e.isDir() {
			return e.id
		}
		return emptyTree
	}
	file := func(e treeEntry) Hash {
		if e.isFile() {
			return hashOf(e.id)
		}
		return ""
	}
	if from, to := file(a), file(b); from != to {
		*changes = append(*changes, Change{Path: path, From: from, To: to})
	}
	return r.diffTrees(path+"/", below(a), below(b), changes)
}
