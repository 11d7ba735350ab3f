package gitsync

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// pathHash stands for the path of a file. Versions of one file have the same
// path; files that end alike have a name that sorts near. Both grow with each
// byte, so that a directory's is the beginning of its files'.
type pathHash struct {
	name uint32
	path uint64
}

var rootPath = pathHash{path: 14695981039346656037}

func (h pathHash) join(name string) pathHash {
	h = h.add('/')
	for i := range len(name) {
		h = h.add(name[i])
	}
	return h
}

// add weighs the last bytes most for the name, as git does; the path is FNV-1a.
func (h pathHash) add(c byte) pathHash {
	return pathHash{name: h.name>>2 + uint32(c)<<24, path: (h.path ^ uint64(c)) * 1099511628211}
}

// nameEntries finds out under which path each object was committed, newest commit
// first, so that a search for deltas meets the versions of a file one after the
// other. Trees that are stored as changes are passed over: what only they name was
// searched before.
func (s *repackSet) nameEntries(ctx context.Context, objects *objectStore) error {
	type root struct {
		commit, tree int32
		time         int64
	}
	for i := range s.entries {
		s.entries[i].order = math.MaxUint32
	}
	var roots []root
	for i := range s.entries {
		e := &s.entries[i]
		if e.kind != plumbing.CommitObject {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		o, err := s.read(objects, e)
		if err != nil {
			return err
		}
		found := root{commit: int32(i), tree: none, time: commitTime(o.data)}
		if tree, ok := commitTree(o.data); ok {
			if at, known := s.byID[tree]; known {
				found.tree = at
			}
		}
		roots = append(roots, found)
	}
	slices.SortStableFunc(roots, func(a, b root) int { return cmp.Compare(b.time, a.time) })
	order := uint32(0)
	var visit func(at int32, path pathHash) error
	visit = func(at int32, path pathHash) error {
		e := &s.entries[at]
		if e.order != math.MaxUint32 {
			return nil
		}
		e.order, e.name, e.path = order, path.name, path.path
		order++
		if e.kind != plumbing.TreeObject || e.base != none {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		o, err := s.read(objects, e)
		if err != nil {
			return err
		}
		children, err := decodeTree(o.data)
		if err != nil {
			return fmt.Errorf("tree %s: %w", e.id, err)
		}
		for _, child := range children {
			if below, ok := s.byID[child.id]; ok && child.mode != filemode.Submodule {
				if err := visit(below, path.join(child.name)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, found := range roots {
		s.entries[found.commit].order = order
		order++
		if found.tree != none {
			if err := visit(found.tree, rootPath); err != nil {
				return err
			}
		}
	}
	return nil
}

// commitTree returns the tree of a commit.
func commitTree(data []byte) (objectID, bool) {
	var id objectID
	text, found := bytes.CutPrefix(data, []byte("tree "))
	if !found || len(text) < 2*len(id) {
		return id, false
	}
	_, err := hex.Decode(id[:], text[:2*len(id)])
	return id, err == nil
}

// commitTime returns the committer's time in seconds, zero if there is none: it
// is used for an order that need not be right.
func commitTime(data []byte) int64 {
	_, line, found := bytes.Cut(data, []byte("\ncommitter "))
	if !found {
		return 0
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	_, at, err := parseIdentity(string(line))
	if err != nil {
		return 0
	}
	return at.Unix()
}
