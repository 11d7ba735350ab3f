package gitsync

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

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
		return object.EmptyTree
	}
	return e.root.stored
}

// builtTree is what an edit comes to: its root, and what no pack holds yet, trees
// before blobs, blobs in path order, which is the order they will be read in.
type builtTree struct {
	root  Hash
	trees []pack.Object
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
		built.root = object.EmptyTree
	}
	if built.root == object.EmptyTree {
		tree, err := pack.NewObject(plumbing.TreeObject, nil)
		if err != nil {
			return builtTree{}, err
		}
		built.trees = []pack.Object{tree}
	}
	return built, nil
}

func (e *Edit) buildDir(dir *node, built *builtTree) error {
	if !dir.dirty {
		return nil
	}
	trees, blobs, present := len(built.trees), len(built.blobs), len(built.present)
	entries := make([]object.TreeEntry, 0, len(dir.children))

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
		entries = append(entries, object.TreeEntry{Name: name, Mode: child.mode, ID: child.id})
	}

	content := object.EncodeTree(entries)
	dir.id = object.HashOf(plumbing.TreeObject, content)
	if dir.id == dir.stored {
		// Back to what the base has: nothing below is new either.
		built.trees, built.blobs, built.present = built.trees[:trees], built.blobs[:blobs], built.present[:present]
		return nil
	}
	tree, err := pack.Deflate(dir.id, plumbing.TreeObject, content)
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

// store publishes one pack with the given objects and what a tree adds, and holds it
// until the edit is settled or given up: if the ref cannot be moved, the next attempt
// relies on what was published. The same blob may lie at several paths; a pack holds
// it once. The caller holds the locks of the edit and of the repository.
func (e *Edit) store(built builtTree, first ...pack.Object) (err error) {
	if e.spill.lost != nil {
		return e.spill.lost
	}
	if err := e.repo.objects.Demand(built.present); err != nil {
		return err
	}
	objects := append(first, built.trees...)
	seen := make(map[Hash]bool, len(objects)+len(built.blobs))

	unique := objects[:0]
	for _, o := range objects {
		if !seen[o.ID] {
			seen[o.ID] = true
			unique = append(unique, o)
		}
	}

	var out *pack.Writer
	if e.spill.pack == nil {
		var blobs []*heldBlob
		for _, blob := range built.blobs {
			if !seen[blob.ID] {
				seen[blob.ID] = true
				blobs = append(blobs, blob)
			}
		}
		if out, err = pack.Create(e.repo.objects.PackDir(), len(unique)+len(blobs)); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				out.Discard()
			}
		}()
		for _, blob := range blobs {
			unique = append(unique, blob.Object)
		}
	} else {
		out = e.spill.pack
		if err := e.spill.append(built.blobs); err != nil {
			return err
		}
		mark := out.Mark()
		defer func() {
			if err != nil {
				err = errors.Join(err, e.spill.rollback(mark))
			}
		}()
	}

	if len(unique) > 0 {
		unique[0].Zlib = pack.Vary(unique[0].Zlib, out.File.Name())
	}

	for _, o := range unique {
		if _, err := out.Add(o); err != nil {
			return fmt.Errorf("write pack: %w", err)
		}
	}

	published, hold, err := out.Publish()
	if err != nil {
		return err
	}
	e.heldPacks = append(e.heldPacks, hold)
	e.repo.objects.Add(published)
	for _, blob := range built.blobs {
		blob.published, blob.Zlib, blob.at = true, nil, 0
	}
	e.spill = spill{limit: e.spill.limit}
	return nil
}
