package gitsync

import (
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Change is a file that differs between two commits. From is empty for a file
// that was added, To for one that was removed.
type Change struct {
	Path string
	From Hash
	To   Hash
}

// Diff returns the files that differ between two commits, sorted by path. The
// empty Hash means an empty tree. Directories that are equal are not read.
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
	if err := newDiffer(r.objects, r.objects.Limits).trees("", from, to, &changes); err != nil {
		return nil, fmt.Errorf("diff: %w", err)
	}
	sortChanges(changes)
	return changes, nil
}

func sortChanges(changes []Change) {
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
}

func (r *Repository) rootOf(commit Hash) (Hash, error) {
	if commit.IsZero() {
		return object.EmptyTree, nil
	}
	c, err := r.ReadCommit(commit)
	if err != nil {
		return Hash{}, err
	}
	return c.Tree, nil
}

// treeSource reads the bytes of trees; those of the empty tree are none.
type treeSource interface {
	Tree(id Hash) ([]byte, error)
}

// differ compares trees. Directories that are equal are not read.
type differ struct {
	source treeSource
	seen   *object.Expansion
}

func newDiffer(source treeSource, limits object.Limits) differ {
	return differ{source, &object.Expansion{Limits: limits}}
}

func (d differ) trees(dir string, a, b Hash, changes *[]Change) error {
	if a == b {
		return nil
	}
	from, err := d.source.Tree(a)
	if err != nil {
		return err
	}
	to, err := d.source.Tree(b)
	if err != nil {
		return err
	}

	from, to = object.DifferingEntries(from, to)
	old, err := object.DecodeTree(from)
	if err != nil {
		return fmt.Errorf("tree %s: %w", a, err)
	}
	current, err := object.DecodeTree(to)
	if err != nil {
		return fmt.Errorf("tree %s: %w", b, err)
	}
	before := make(map[string]object.TreeEntry, len(old))
	for _, e := range old {
		before[e.Name] = e
	}

	for _, e := range current {
		if err := d.entry(dir+e.Name, before[e.Name], e, changes); err != nil {
			return err
		}
		delete(before, e.Name)
	}

	for name, e := range before {
		if err := d.entry(dir+name, e, object.TreeEntry{}, changes); err != nil {
			return err
		}
	}
	return nil
}

// entry compares what two trees have under one name; the zero entry is nothing. A
// file that became a directory is a removal and additions.
func (d differ) entry(path string, a, b object.TreeEntry, changes *[]Change) error {
	if err := d.seen.Add(path); err != nil {
		return err
	}

	below := func(e object.TreeEntry) Hash {
		if e.IsDir() {
			return e.ID
		}
		return object.EmptyTree
	}

	file := func(e object.TreeEntry) Hash {
		if e.IsFile() {
			return e.ID
		}
		return Hash{}
	}
	if from, to := file(a), file(b); from != to {
		*changes = append(*changes, Change{Path: path, From: from, To: to})
	}
	return d.trees(path+"/", below(a), below(b), changes)
}
