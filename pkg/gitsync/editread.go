package gitsync

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// ReadFile returns the content of a file as the edit has it now. The error wraps
// [fs.ErrNotExist] if there is none.
func (e *Edit) ReadFile(path string) ([]byte, error) {
	names, err := splitPath(path)
	if err != nil {
		return nil, err
	}

	for {
		id, held, err := e.locate(names)
		switch {
		case err != nil:
			return nil, err
		case id.IsZero():
			return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
		case held == nil:
			return e.repo.objects.readAs(id, plumbing.BlobObject)
		}
		data, err := held.read()
		// A commit may have published the spilled pack meanwhile: look again.
		if !errors.Is(err, os.ErrClosed) {
			return data, err
		}
	}
}

// locate returns the id of a file and its content if no pack has it yet, the
// zero id if there is no file.
func (e *Edit) locate(names []string) (Hash, *content, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.spill.lost != nil {
		return Hash{}, nil, e.spill.lost
	}
	n, err := e.find(names)
	if err != nil || n == nil || !(treeEntry{mode: n.mode}).isFile() {
		return Hash{}, nil, err
	}
	if n.blob == nil || n.blob.published {
		return n.id, nil, nil
	}
	held := e.spill.content(n.blob)
	return n.id, &held, nil
}

// Paths returns the paths of all files below a directory, sorted. The empty
// directory is the root.
func (e *Edit) Paths(dir string) ([]string, error) {
	var paths []string
	err := e.Walk(dir, func(path string, _ Hash) error {
		paths = append(paths, path)
		return nil
	})
	return paths, err
}

// Walk calls fn for every file below a directory, in path order. It sees the
// edit as it was when Walk began; fn may change the edit.
func (e *Edit) Walk(dir string, fn func(path string, blob Hash) error) error {
	type found struct {
		path string
		id   Hash
	}

	var files []found
	err := func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		start := e.root
		if dir != "" {
			names, err := splitPath(dir)
			if err != nil {
				return err
			}
			if start, err = e.find(names); err != nil || start == nil {
				return err
			}
		}
		return e.visit(start, dir, func(path string, n *node) { files = append(files, found{path, n.id}) })
	}()
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b found) int { return strings.Compare(a.path, b.path) })

	for _, f := range files {
		if err := fn(f.path, f.id); err != nil {
			return err
		}
	}
	return nil
}

// visit calls fn for every file below a node. It skips what is no file, such as
// submodules: they are kept as they are.
func (e *Edit) visit(n *node, path string, fn func(string, *node)) error {
	if !n.isDir() {
		if (treeEntry{mode: n.mode}).isFile() {
			fn(path, n)
		}
		return nil
	}
	if err := e.load(n); err != nil {
		return err
	}

	for name, child := range n.children {
		below := name
		if path != "" {
			below = path + "/" + name
		}
		if err := e.visit(child, below, fn); err != nil {
			return err
		}
	}

	return nil
}

// Dirty reports whether a commit of the edit would differ from its base. It
// costs the encoding of the directories that were touched.
func (e *Edit) Dirty() (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.root.dirty {
		return false, nil
	}
	built, err := e.build()
	return err == nil && built.root != e.baseTree(), err
}

// baseTree is the tree of the base, the empty tree if there is no base.
func (e *Edit) baseTree() Hash {
	if e.root.stored.IsZero() {
		return emptyTree
	}
	return e.root.stored
}

// builtTree is what an edit comes to: its root, and what no pack holds yet, trees
// before blobs, blobs in path order, which is the order they will be read in.
type builtTree struct {
	root  Hash
	trees []deflated
	blobs []*heldBlob
	// present is what packs other than those of the base must hold already.
	present []Hash
}

// build encodes the dirty directories. It changes ids of dirty directories and
// nothing else, so that a commit that fails can be tried again.
func (e *Edit) build() (builtTree, error) {
	var built builtTree
	if err := e.buildDir(e.root, &built); err != nil {
		return builtTree{}, err
	}
	built.root = e.root.id
	if built.root.IsZero() {
		built.root = emptyTree
	}
	if built.root == emptyTree {
		tree, err := newObject(plumbing.TreeObject, nil)
		if err != nil {
			return builtTree{}, err
		}
		built.trees = []deflated{tree}
	}
	return built, nil
}

func (e *Edit) buildDir(dir *node, built *builtTree) error {
	if !dir.dirty {
		return nil
	}
	trees, blobs, present := len(built.trees), len(built.blobs), len(built.present)
	entries := make([]treeEntry, 0, len(dir.children))

	for _, name := range slices.Sorted(maps.Keys(dir.children)) {
		child := dir.children[name]
		if child.isDir() {
			if err := e.buildDir(child, built); err != nil {
				return err
			}
		}
		switch {
		case child.blob == nil || child.id == child.stored:
		case child.blob.published:
			built.present = append(built.present, child.id)
		default:
			built.blobs = append(built.blobs, child.blob)
		}
		entries = append(entries, treeEntry{name: name, mode: child.mode, id: child.id})
	}

	content := encodeTree(entries)
	dir.id = hashObject(plumbing.TreeObject, content)
	if dir.id == dir.stored {
		// Back to what the base has: nothing below is new either.
		built.trees, built.blobs, built.present = built.trees[:trees], built.blobs[:blobs], built.present[:present]
		return nil
	}
	tree, err := deflate(dir.id, plumbing.TreeObject, content)
	if err != nil {
		return err
	}
	built.trees = append(built.trees, tree)
	return nil
}

// settle makes the edit's tree the base: everything in it is stored now.
func (e *Edit) settle(commit Hash) {
	e.base = commit
	e.spill.release()
	e.releaseHolds()
	var clean func(*node)
	clean = func(n *node) {
		n.stored, n.blob = n.id, nil
		if !n.dirty {
			return
		}
		n.dirty = false
		for _, child := range n.children {
			clean(child)
		}
	}
	clean(e.root)
}
