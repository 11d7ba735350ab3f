package gitsync_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/appbur/appbur/pkg/gitsync"
)

// treeName draws names that are near to one another, so that sorting of files
// and directories with a common beginning is tried.
var treeName = rapid.SampledFrom([]string{"a", "a.b", "a-b", "a0", "b", "b.yaml", "é", "A"})

var fileContents = []string{"", "1", "2", "text\n"}

// treeFiles draws files that do not stand in one another's way.
var treeFiles = rapid.Custom(func(t *rapid.T) map[string]string {
	files := map[string]string{}
	for path := range rapid.MapOfN(rapid.Map(rapid.SliceOfN(treeName, 1, 4), func(names []string) string { return strings.Join(names, "/") }),
		rapid.Just(true), 0, 12).Draw(t, "paths") {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(files)), func(other string) bool {
			return strings.HasPrefix(path+"/", other+"/") || strings.HasPrefix(other+"/", path+"/")
		}) {
			files[path] = rapid.SampledFrom(fileContents).Draw(t, "content")
		}
	}
	return files
})

// The tree depends on the files alone: not on what was there before, not on the
// order of the changes; and it is the tree that stock git makes.
func TestTreeDependsOnFilesAlone(t *testing.T) {
	r := newRepository(t)
	stock := newStockRepository(t)

	refs := 0
	rapid.Check(t, func(rt *rapid.T) {
		before, after := treeFiles.Draw(rt, "before"), treeFiles.Draw(rt, "after")
		refs++
		ref := fmt.Sprintf("refs/heads/case-%d", refs)
		e, err := r.Edit(gitsync.Hash{})
		if err != nil {
			rt.Fatal(err)
		}
		for path, data := range before {
			if _, err := e.Put(path, []byte(data)); err != nil {
				rt.Fatal(err)
			}
		}
		base, err := r.Commit(t.Context(), ref, e, info("before"))
		if err != nil && !errors.Is(err, gitsync.ErrUnchanged) {
			rt.Fatal(err)
		}
		// Removals first, since a file may take the place of a directory.
		for _, path := range rapid.Permutation(slices.Sorted(maps.Keys(before))).Draw(rt, "removals") {
			if _, kept := after[path]; !kept {
				if _, err := e.Remove(path); err != nil {
					rt.Fatal(err)
				}
			}
		}
		for _, path := range rapid.Permutation(slices.Sorted(maps.Keys(after))).Draw(rt, "order") {
			if _, err := e.Put(path, []byte(after[path])); err != nil {
				rt.Fatal(err)
			}
		}
		dirty, err := e.Dirty()
		if err != nil || dirty == maps.Equal(before, after) {
			rt.Fatalf("dirty = %v, %v", dirty, err)
		}
		head, err := r.Commit(t.Context(), ref, e, info("after"))
		if unchanged := errors.Is(err, gitsync.ErrUnchanged); unchanged != maps.Equal(before, after) || (err != nil && !unchanged) {
			rt.Fatalf("commit: %v", err)
		}
		if head.IsZero() {
			return // nothing, then nothing
		}
		c, err := r.ReadCommit(head)
		if err != nil {
			rt.Fatal(err)
		}
		if want := stock.writeTree(t, after); c.Tree.String() != want {
			rt.Fatalf("tree %s, git write-tree makes %s", c.Tree, want)
		}
		if diff := cmp.Diff(after, contents(t, r, head)); diff != "" {
			rt.Fatalf("(-want +got):\n%s", diff)
		}
		checkDiff(rt, r, base, head, before, after)
	})

	e := edit(t, r, gitsync.Hash{})
	put(t, e, "a", "1")
	commit(t, r, e, "HEAD must be born for fsck to be silent")
	fsck(t, r.Dir())
}

// stockRepository is a repository that stock git makes trees in.
type stockRepository struct {
	dir   string
	blobs map[string]string // content → hash
}

func newStockRepository(t *testing.T) *stockRepository {
	t.Helper()
	s := &stockRepository{dir: t.TempDir(), blobs: map[string]string{}}
	git(t, s.dir, "init", "-q")
	for _, content := range fileContents {
		s.blobs[content] = gitIn(t, s.dir, content, "hash-object", "-w", "--stdin")
	}
	return s
}

// writeTree lets stock git make a tree of the files.
func (s *stockRepository) writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	var index strings.Builder
	for path, content := range files {
		fmt.Fprintf(&index, "100644 %s\t%s\n", s.blobs[content], path)
	}
	git(t, s.dir, "read-tree", "--empty")
	gitIn(t, s.dir, index.String(), "update-index", "--index-info")
	return git(t, s.dir, "write-tree")
}

// checkDiff compares Diff with the two sets of files.
func checkDiff(t *rapid.T, r *gitsync.Repository, base, head gitsync.Hash, before, after map[string]string) {
	changes, err := r.Diff(base, head)
	if err != nil {
		t.Fatal(err)
	}

	got := map[string]string{}
	for _, c := range changes {
		switch {
		case c.From.IsZero():
			got[c.Path] = "added"
		case c.To.IsZero():
			got[c.Path] = "removed"
		default:
			got[c.Path] = "changed"
		}
	}

	want := map[string]string{}
	for path, data := range after {
		if old, ok := before[path]; !ok {
			want[path] = "added"
		} else if old != data {
			want[path] = "changed"
		}
	}

	for path := range before {
		if _, ok := after[path]; !ok {
			want[path] = "removed"
		}
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("diff (-want +got):\n%s", diff)
	}
}
