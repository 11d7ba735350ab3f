package gitsync

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// Edit is a tree in memory that begins as the tree of a base commit. Directories
// are read when something in them is asked for or changed. New content is held
// compressed, once, until it is committed: the first 16 MiB in memory, all else in
// an unfinished pack beside the others. Content that the base has in the same place
// is not written again, nor is what [Edit.Borrow] names. That the repository has an
// object says little: nothing may lead to it, so that git may drop it any moment.
//
// Edit is safe for concurrent use. Hashing and compressing happen outside its
// lock, so that several goroutines that call Put use several cores. Of two Puts
// to one path at the same time, either may win.
type Edit struct {
	repo *Repository
	// borrowed holds the ids of content that others hold for us, as keys.
	borrowed sync.Map

	mu    sync.Mutex
	base  Hash // commit, zero for none
	root  *node
	spill spill
	// heldPacks are published, and no ref leads to them yet.
	heldPacks []*pack.Hold
}

// node is a file or a directory of an edit.
type node struct {
	mode   filemode.FileMode
	id     Hash // what it is now; of a dirty directory, what it was last known to be
	stored Hash // what the base has in this place, zero if nothing
	// blob is content that the base does not have in this place.
	blob *heldBlob
	// children is nil for files and for directories that were not read.
	children map[string]*node
	dirty    bool
}

func (n *node) isDir() bool { return n.mode == filemode.Dir }

// Edit begins an edit of the tree of a commit. The empty Hash begins with an
// empty tree.
func (r *Repository) Edit(base Hash) (*Edit, error) {
	e := &Edit{repo: r, root: &node{mode: filemode.Dir, children: map[string]*node{}}, spill: spill{limit: r.spillSize}}
	if base.IsZero() {
		return e, nil
	}
	c, err := r.ReadCommit(base)
	if err != nil {
		return nil, fmt.Errorf("edit: %w", err)
	}
	e.base, e.root = base, &node{mode: filemode.Dir, id: c.Tree, stored: c.Tree}
	return e, nil
}

// Base returns the commit that the edit began with, or the last one made of it.
func (e *Edit) Base() Hash {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.base
}

// Put sets the content of a file and reports whether that changed the edit. The
// data is not kept. A file in the place of a directory, or below a file, is
// [ErrPathConflict].
func (e *Edit) Put(path string, data []byte) (changed bool, err error) {
	names, err := object.SplitPath(path)
	if err != nil {
		return false, err
	}

	// What could not be read again is not written.
	if err := e.repo.refs.Limits.CheckObject(plumbing.BlobObject, int64(len(data))); err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	id := object.HashOf(plumbing.BlobObject, data)
	if same, err := e.holds(names, id); err != nil || same {
		return false, err
	}
	blob := &heldBlob{Object: pack.Object{ID: id, Kind: plumbing.BlobObject, Size: len(data)}}
	if _, blob.published = e.borrowed.Load(id); !blob.published {
		if blob.Object, err = pack.Deflate(id, plumbing.BlobObject, data); err != nil {
			return false, fmt.Errorf("%s: %w", path, err)
		}
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	if e.spill.lost != nil {
		return false, e.spill.lost
	}
	// First, so that an edit which finds no room is what it was.
	if err := e.spill.makeRoom(e.repo.objects.PackDir(), len(blob.Zlib)); err != nil {
		return false, pack.DiskError(e.repo.dir, fmt.Errorf("%s: %w", path, err))
	}
	if changed, err = e.put(names, blob); err != nil || !changed {
		return changed, err
	}
	e.spill.hold(blob)
	return true, nil
}

// holds reports whether a regular file has the given content already.
func (e *Edit) holds(names []string, id Hash) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n, err := e.find(names)
	return n != nil && n.mode == filemode.Regular && n.id == id, err
}

func (e *Edit) put(names []string, blob *heldBlob) (bool, error) {
	// Look before leaping: a refused Put must not leave empty directories.
	dir := e.root

	for i, name := range names[:len(names)-1] {
		if err := e.load(dir); err != nil {
			return false, err
		}
		child := dir.children[name]
		if child == nil {
			break
		}
		if !child.isDir() {
			return false, fmt.Errorf("%w: %s is a file", ErrPathConflict, strings.Join(names[:i+1], "/"))
		}
		dir = child
	}

	existing, err := e.find(names)
	if err != nil {
		return false, err
	}
	if existing != nil && existing.isDir() {
		return false, fmt.Errorf("%w: %s is a directory", ErrPathConflict, strings.Join(names, "/"))
	}
	if existing != nil && existing.mode == filemode.Regular && existing.id == blob.ID {
		return false, nil
	}

	dir = e.root
	for _, name := range names[:len(names)-1] {
		dir.dirty = true
		child := dir.children[name]
		if child == nil {
			child = &node{mode: filemode.Dir, children: map[string]*node{}}
			dir.children[name] = child
		}
		dir = child
	}

	dir.dirty = true
	file := &node{mode: filemode.Regular, id: blob.ID, blob: blob}
	if existing != nil {
		file.stored = existing.stored
		e.spill.drop(existing.blob)
	}
	dir.children[names[len(names)-1]] = file
	return true, nil
}

// Remove takes a file out of the tree and reports whether it was there.
// Directories that become empty vanish, since Git cannot hold them.
func (e *Edit) Remove(path string) (changed bool, err error) { return e.remove(path, false) }

// RemoveAll takes a directory and all that is below it out of the tree and
// reports whether it was there.
func (e *Edit) RemoveAll(dir string) (changed bool, err error) { return e.remove(dir, true) }

func (e *Edit) remove(path string, dir bool) (bool, error) {
	names, err := object.SplitPath(path)
	if err != nil {
		return false, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()

	n, err := e.find(names)
	if err != nil || n == nil {
		return false, err
	}
	if n.isDir() != dir {
		return false, fmt.Errorf("%w: %s is %s", ErrPathConflict, path, map[bool]string{true: "a directory", false: "a file"}[n.isDir()])
	}
	e.dropBelow(n)
	chain := []*node{e.root}
	for _, name := range names[:len(names)-1] {
		chain = append(chain, chain[len(chain)-1].children[name])
	}

	for i, parent := range slices.Backward(chain) {
		parent.dirty = true
		if i == len(chain)-1 || len(parent.children[names[i]].children) == 0 {
			delete(parent.children, names[i])
		}
	}

	return true, nil
}

// dropBelow forgets the new content of a file, or of all files in a directory.
func (e *Edit) dropBelow(n *node) {
	e.spill.drop(n.blob)
	for _, child := range n.children {
		e.dropBelow(child)
	}
}

// load reads the children of a directory that was not read yet.
func (e *Edit) load(dir *node) error {
	if dir.children != nil {
		return nil
	}
	entries, err := e.repo.objects.ReadTree(dir.id)
	if err != nil {
		return err
	}
	dir.children = make(map[string]*node, len(entries))
	for _, entry := range entries {
		dir.children[entry.Name] = &node{mode: entry.Mode, id: entry.ID, stored: entry.ID}
	}
	return nil
}

// find returns what is at a path, nil for nothing.
func (e *Edit) find(names []string) (*node, error) {
	n := e.root
	for _, name := range names {
		if !n.isDir() {
			return nil, nil
		}
		if err := e.load(n); err != nil {
			return nil, err
		}
		if n = n.children[name]; n == nil {
			return nil, nil
		}
	}
	return n, nil
}

// Discard gives up what the edit holds in memory and on the disk. The edit must
// not be used afterwards. It is not needed after a commit, and an edit that is
// just forgotten does no harm: the next writer removes its file.
func (e *Edit) Discard() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spill.release()
	e.releaseHolds()
	e.spill.lost = errors.New("the edit was discarded")
}

// releaseHolds lets what was published be repacked.
func (e *Edit) releaseHolds() {
	for _, hold := range e.heldPacks {
		hold.Release()
	}
	e.heldPacks = nil
}
