package repack

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

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// pathHash identifies the path of a file. Versions of one file have the same
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

// NameEntries finds out under which path each object was committed, newest commit
// first, so that a search for deltas meets the versions of a file one after the
// other.
func (s *Set) NameEntries(ctx context.Context, objects *pack.Store) error {
	for i := range s.Entries {
		s.Entries[i].order = math.MaxUint32
	}
	commits, err := s.commitsNewestFirst(ctx, objects)
	if err != nil {
		return err
	}
	order := uint32(0)

	var visit func(at int32, path pathHash) error
	visit = func(at int32, path pathHash) error {
		e := &s.Entries[at]
		if e.order != math.MaxUint32 {
			return nil
		}
		e.order, e.name, e.path = order, path.name, path.path
		order++
		if e.Kind != plumbing.TreeObject {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		o, err := s.read(objects, e)
		if err != nil {
			return err
		}
		children, err := object.DecodeTree(o.Data)
		if err != nil {
			return fmt.Errorf("tree %s: %w", e.ID, err)
		}
		for _, child := range children {
			if below, ok := s.ByID[child.ID]; ok && child.Mode != filemode.Submodule {
				if err := visit(below, path.join(child.Name)); err != nil {
					return err
				}
			}
		}
		return nil
	}

	for _, c := range commits {
		s.Entries[c.entry].order = order
		order++
		if c.tree != none {
			if err := visit(c.tree, rootPath); err != nil {
				return err
			}
		}
	}

	return nil
}

// setCommit is a commit of a set; what is not in the set is none.
type setCommit struct {
	entry, tree, parent int32
	time                int64
	generation          int32
}

// commitsNewestFirst returns the commits of a set by time, and children before
// their parents where the clock stood still.
func (s *Set) commitsNewestFirst(ctx context.Context, objects *pack.Store) ([]setCommit, error) {
	var commits []setCommit
	at := map[int32]int{} // by entry

	for i := range s.Entries {
		e := &s.Entries[i]
		if e.Kind != plumbing.CommitObject {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		o, err := s.read(objects, e)
		if err != nil {
			return nil, err
		}
		at[int32(i)] = len(commits)
		commits = append(commits, setCommit{
			entry: int32(i), time: commitTime(o.Data),
			tree: s.linkOf(o.Data, "tree "), parent: s.linkOf(o.Data, "\nparent "),
		})
	}

	var line []int
	for i := range commits {
		for next := i; commits[next].generation == 0; {
			line = append(line, next)
			parent, known := at[commits[next].parent]
			if !known {
				commits[next].generation = 1
				break
			}
			next = parent
		}
		for _, link := range slices.Backward(line) {
			if parent, known := at[commits[link].parent]; known {
				commits[link].generation = commits[parent].generation + 1
			}
		}
		line = line[:0]
	}

	slices.SortStableFunc(commits, func(a, b setCommit) int {
		return cmp.Or(cmp.Compare(b.time, a.time), cmp.Compare(b.generation, a.generation))
	})
	return commits, nil
}

// linkOf returns the entry that the first header of a name refers to.
func (s *Set) linkOf(commit []byte, key string) int32 {
	header, _, _ := bytes.Cut(commit, []byte("\n\n"))
	_, text, found := bytes.Cut(header, []byte(key))
	var id object.Hash
	if !found || len(text) < 2*len(id) {
		return none
	}
	if _, err := hex.Decode(id[:], text[:2*len(id)]); err != nil {
		return none
	}
	if at, known := s.ByID[id]; known {
		return at
	}
	return none
}

// commitTime returns the committer's time in seconds, zero if there is none: it
// is used for an order that need not be right.
func commitTime(data []byte) int64 {
	_, line, found := bytes.Cut(data, []byte("\ncommitter "))
	if !found {
		return 0
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	_, at, err := object.ParseIdentity(string(line))
	if err != nil {
		return 0
	}
	return at.Unix()
}
