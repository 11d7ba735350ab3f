package gitsync

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
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
	if err := newDiffer(r.objects, r.objects.limits).trees("", from, to, &changes); err != nil {
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
		return emptyTree, nil
	}
	c, err := r.ReadCommit(commit)
	if err != nil {
		return Hash{}, err
	}
	return c.Tree, nil
}

// treeSource reads the bytes of trees; those of the empty tree are none.
type treeSource interface {
	tree(id Hash) ([]byte, error)
}

// tree returns the bytes of a tree. The empty tree needs no object.
func (s *objectStore) tree(id Hash) ([]byte, error) {
	if id == emptyTree {
		return nil, nil
	}
	return s.readAs(id, plumbing.TreeObject)
}

// differ compares trees. Directories that are equal are not read.
type differ struct {
	source treeSource
	seen   *expansion
}

func newDiffer(source treeSource, limits limits) differ {
	return differ{source, &expansion{limits: limits}}
}

func (d differ) trees(dir string, a, b Hash, changes *[]Change) error {
	if a == b {
		return nil
	}
	from, err := d.source.tree(a)
	if err != nil {
		return err
	}
	to, err := d.source.tree(b)
	if err != nil {
		return err
	}

	from, to = differingEntries(from, to)
	old, err := decodeTree(from)
	if err != nil {
		return fmt.Errorf("tree %s: %w", a, err)
	}
	current, err := decodeTree(to)
	if err != nil {
		return fmt.Errorf("tree %s: %w", b, err)
	}
	before := make(map[string]treeEntry, len(old))
	for _, e := range old {
		before[e.name] = e
	}

	for _, e := range current {
		if err := d.entry(dir+e.name, before[e.name], e, changes); err != nil {
			return err
		}
		delete(before, e.name)
	}

	for name, e := range before {
		if err := d.entry(dir+name, e, treeEntry{}, changes); err != nil {
			return err
		}
	}
	return nil
}

// entry compares what two trees have under one name; the zero entry is nothing. A
// file that became a directory is a removal and additions.
func (d differ) entry(path string, a, b treeEntry, changes *[]Change) error {
	if err := d.seen.add(path); err != nil {
		return err
	}

	below := func(e treeEntry) Hash {
		if e.isDir() {
			return e.id
		}
		return emptyTree
	}

	file := func(e treeEntry) Hash {
		if e.isFile() {
			return e.id
		}
		return Hash{}
	}
	if from, to := file(a), file(b); from != to {
		*changes = append(*changes, Change{Path: path, From: from, To: to})
	}
	return d.trees(path+"/", below(a), below(b), changes)
}

// differingEntries takes the entries off two trees that are equal at their
// beginning and at their end. What is left is little when one file of many changed,
// and no tree has to be decoded for it.
func differingEntries(a, b []byte) (restA, restB []byte) {
	for {
		n := entryLength(a)
		if n == 0 || len(b) < n || !bytes.Equal(a[:n], b[:n]) {
			break
		}
		a, b = a[n:], b[n:]
	}

	same := 0
	for same < min(len(a), len(b)) && a[len(a)-1-same] == b[len(b)-1-same] {
		same++
	}

	// The equal bytes may begin inside an entry.
	ends := map[int]bool{}
	for rest := a; ; {
		n := entryLength(rest)
		if len(rest) <= same {
			ends[len(rest)] = true
		}
		if n == 0 {
			break
		}
		rest = rest[n:]
	}

	for rest := b; ; {
		if len(rest) <= same && ends[len(rest)] {
			return a[:len(a)-len(rest)], b[:len(b)-len(rest)]
		}
		n := entryLength(rest)
		if n == 0 {
			return a, b
		}
		rest = rest[n:]
	}
}

// entryLength returns the length of the first entry of a tree, 0 if there is no
// whole one.
func entryLength(data []byte) int {
	n := bytes.IndexByte(data, 0) + 1 + len(Hash{})
	if n <= len(Hash{}) || n > len(data) {
		return 0
	}
	return n
}
