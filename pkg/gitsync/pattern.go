package gitsync

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// Pattern chooses files by the names along their path, one [Name] for each level
// from the root on. A pattern that ends at a directory chooses everything below it,
// so the empty pattern chooses everything.
type Pattern []Name

// Name chooses the entries of one directory: the one that is called Exact, or, if
// Exact is empty, all that Match accepts. Match must always give the same answer.
type Name struct {
	Exact string
	Match func(name string) bool
}

// ExactPath returns the pattern of one file or directory.
func ExactPath(path string) Pattern {
	if path == "" {
		return Pattern{}
	}
	var p Pattern
	for name := range strings.SplitSeq(path, "/") {
		p = append(p, Name{Exact: name})
	}
	return p
}

// chosenEntry is a file or a directory at the end of a pattern.
type chosenEntry struct {
	path string
	object.TreeEntry
}

// chooser finds what patterns choose in one tree after another. It remembers the
// last answer for each directory: from one commit to the next most directories are
// the same, and those cost nothing.
type chooser struct {
	reader   *pack.BatchReader
	patterns []Pattern
	last     map[chooserKey]chooserAnswer
}

type chooserKey struct {
	pattern int
	dir     string
}

type chooserAnswer struct {
	tree    Hash
	entries []chosenEntry
}

// choose returns what the patterns choose below a root, sorted by path, nothing
// twice.
func (c *chooser) choose(root Hash) ([]chosenEntry, error) {
	var chosen []chosenEntry
	seen := &object.Expansion{Limits: c.reader.Objects.Limits}
	for i, pattern := range c.patterns {
		entries, err := c.below(seen, i, pattern, "", object.TreeEntry{Mode: filemode.Dir, ID: root})
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, entries...)
	}
	if len(c.patterns) > 1 {
		slices.SortFunc(chosen, func(a, b chosenEntry) int { return strings.Compare(a.path, b.path) })
		chosen = slices.CompactFunc(chosen, func(a, b chosenEntry) bool { return a.path == b.path })
	}
	return chosen, nil
}

func (c *chooser) below(seen *object.Expansion, pattern int, rest Pattern, path string, e object.TreeEntry) ([]chosenEntry, error) {
	if err := seen.Add(path); err != nil {
		return nil, err
	}
	if len(rest) == 0 {
		return []chosenEntry{{path: path, TreeEntry: e}}, nil
	}
	if !e.IsDir() {
		return nil, nil
	}

	key := chooserKey{pattern, path}
	if answer, ok := c.last[key]; ok && answer.tree == e.ID {
		return answer.entries, nil
	}
	data, err := c.reader.Tree(e.ID)
	if err != nil {
		return nil, err
	}
	entries, err := rest[0].entries(data)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", e.ID, err)
	}

	var chosen []chosenEntry
	for _, entry := range entries {
		child := entry.Name
		if path != "" {
			child = path + "/" + entry.Name
		}
		found, err := c.below(seen, pattern, rest[1:], child, entry)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, found...)
	}

	c.last[key] = chooserAnswer{e.ID, chosen}
	return chosen, nil
}

// entries returns the entries of a tree that the name chooses. One name is found
// without decoding the tree.
func (n Name) entries(tree []byte) ([]object.TreeEntry, error) {
	if n.Exact != "" {
		e, ok, err := object.FindEntry(tree, n.Exact)
		if err != nil || !ok {
			return nil, err
		}
		return []object.TreeEntry{e}, nil
	}
	all, err := object.DecodeTree(tree)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(e object.TreeEntry) bool { return !n.Match(e.Name) }), nil
}

// Match returns the paths that patterns choose in a commit, sorted; a pattern that
// ends at a directory yields the directory.
func (r *Repository) Match(commit Hash, patterns ...Pattern) ([]string, error) {
	w := newWalker(r, patterns)
	defer w.reader.Close()
	c, err := w.reader.Commit(commit)
	if err != nil {
		return nil, err
	}
	entries, err := w.chosen(c)
	if err != nil {
		return nil, err
	}
	paths := make([]string, len(entries))
	for i, e := range entries {
		paths[i] = e.path
	}
	return paths, nil
}

// Matches reports whether the pattern chooses the file at a path.
func (p Pattern) Matches(path string) bool {
	names := strings.Split(path, "/")
	if len(names) < len(p) {
		return false
	}
	for i, name := range p {
		if name.Exact != "" && name.Exact != names[i] || name.Exact == "" && !name.Match(names[i]) {
			return false
		}
	}
	return true
}
