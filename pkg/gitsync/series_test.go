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

// Each commit of a series has what its part says, the last one what the edit says, and stock git reads all of them.
func TestASeriesIsOneCommitForEachPart(t *testing.T) {
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "a", "0")
	put(t, e, "d/gone", "0")
	base := commit(t, r, e, "base")
	put(t, e, "a", "2")
	put(t, e, "b", "b")
	put(t, e, "c/d", "c")
	if _, err := e.Remove("d/gone"); err != nil {
		t.Fatal(err)
	}

	commits, err := r.CommitSeries(t.Context(), gitsync.MainRef, e, []gitsync.Part{
		{CommitInfo: info("first"), Passing: map[string][]byte{"a": []byte("1"), "x": []byte("passing")}, Final: []string{"d/gone"}},
		{CommitInfo: info("second"), Final: []string{"b"}, Passing: map[string][]byte{"x": nil}},
		{CommitInfo: info("nothing"), Final: []string{"b"}},
		{CommitInfo: info("last")},
	})
	if err != nil {
		t.Fatal(err)
	}

	fsck(t, r.Dir())
	if !commits[2].IsZero() || e.Base() != commits[3] {
		t.Errorf("commits %v, and the edit goes on from %s", commits, e.Base())
	}
	if got := git(t, r.Dir(), "log", "--format=%s", "main"); got != "last\nsecond\nfirst\nbase" {
		t.Errorf("git log:\n%s", got)
	}
	for i, want := range []map[string]string{
		{"a": "1", "x": "passing"},
		{"a": "1", "b": "b"},
		nil,
		{"a": "2", "b": "b", "c/d": "c"},
	} {
		if want != nil {
			if diff := cmp.Diff(want, contents(t, r, commits[i])); diff != "" {
				t.Errorf("commit %d (-want +got):\n%s", i, diff)
			}
		}
	}
	if _, err := r.CommitSeries(t.Context(), gitsync.MainRef, edit(t, r, base), []gitsync.Part{{CommitInfo: info("late")}}); !errors.Is(err,
		gitsync.ErrRefMoved) {
		t.Errorf("a series on an old commit: %v", err)
	}
}

// However a change is cut, its last commit has the tree that one commit would have, and none in between lacks anything.
func TestASeriesEndsWhereOneCommitWould(t *testing.T) {
	r := newRepository(t)
	refs := 0
	rapid.Check(t, func(rt *rapid.T) {
		before, after := treeFiles.Draw(rt, "before"), treeFiles.Draw(rt, "after")
		for path := range maps.Clone(after) {
			for old := range before {
				if strings.HasPrefix(path, old+"/") || strings.HasPrefix(old, path+"/") {
					delete(after, path) // a file that becomes a directory is two changes
				}
			}
		}
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
		base, err := r.Commit(t.Context(), ref, e, gitsync.CommitInfo{
			Author: info("").Author, Committer: info("").Committer, Time: info("").Time,
			Subject: "before", AllowEmpty: true,
		})
		if err != nil {
			rt.Fatal(err)
		}

		parts := make([]gitsync.Part, rapid.IntRange(1, 4).Draw(rt, "parts"))
		for i := range parts {
			parts[i] = gitsync.Part{CommitInfo: info(fmt.Sprint(i)), Passing: map[string][]byte{}}
		}
		for _, path := range slices.Concat(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after))) {
			i := rapid.IntRange(0, len(parts)-1).Draw(rt, "part of "+path)
			parts[i].Final = append(parts[i].Final, path)
			if _, stays := after[path]; stays && i > 0 && rapid.Bool().Draw(rt, "passing") {
				parts[i-1].Passing[path] = []byte(rapid.SampledFrom(fileContents).Draw(rt, "content"))
			}
		}
		for path := range before {
			if _, stays := after[path]; !stays {
				if _, err := e.Remove(path); err != nil {
					rt.Fatal(err)
				}
			}
		}
		for path, data := range after {
			if _, err := e.Put(path, []byte(data)); err != nil {
				rt.Fatal(err)
			}
		}
		commits, err := r.CommitSeries(t.Context(), ref, e, parts)
		if err != nil && !errors.Is(err, gitsync.ErrUnchanged) {
			rt.Fatal(err)
		}
		tip := base
		for _, c := range commits {
			if !c.IsZero() {
				_ = contents(t, r, c)
				tip = c
			}
		}
		if diff := cmp.Diff(after, contents(t, r, tip)); diff != "" {
			rt.Fatalf("(-want +got):\n%s", diff)
		}
	})
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "a", "1")
	commit(t, r, e, "HEAD must be born for fsck to be silent")
	fsck(t, r.Dir())
}
