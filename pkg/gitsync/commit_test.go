package gitsync_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

func TestCommitIsReadBackByEveryReader(t *testing.T) {
	r := newRepository(t)
	files := map[string]string{
		"appbur.yaml":                         "format: 1\n",
		"cluster/namespace/a.yaml":            "kind: Namespace\n",
		"cluster/namespace.x/a.yaml":          "sorts before namespace/\n",
		"namespaces/a/configmap/empty.yaml":   "",
		"namespaces/a/configmap/big.yaml":     strings.Repeat("0123456789abcdef\n", 70_000),
		"namespaces/a/secret/%3aé.yaml":       "x: é\n",
		"namespaces/b/configmap/shared.yaml":  "same\n",
		"namespaces/b/configmap/shared2.yaml": "same\n",
	}
	e := edit(t, r, gitsync.Hash{})
	for path, data := range files {
		if !put(t, e, path, data) {
			t.Errorf("put %s: not a change", path)
		}
	}
	head := commit(t, r, e, "first")

	fsck(t, r.Dir())
	if diff := cmp.Diff(files, contents(t, r, head)); diff != "" {
		t.Errorf("our reader (-want +got):\n%s", diff)
	}
	clone := filepath.Join(t.TempDir(), "clone")
	git(t, ".", "clone", "-q", r.Dir(), clone)
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join(clone, path))
		if err != nil || string(got) != want {
			t.Errorf("stock git: %s: %v, %d bytes, want %d", path, err, len(got), len(want))
		}
	}
	other, err := readWithGoGit(r.Dir(), head)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, other); diff != "" {
		t.Errorf("go-git (-want +got):\n%s", diff)
	}
	if n := len(glob(t, r, "*.pack")); n != 1 {
		t.Errorf("%d packs, want one per commit", n)
	}
	if left := glob(t, r, "tmp_*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// readWithGoGit reads a commit with go-git.
func readWithGoGit(dir string, h gitsync.Hash) (map[string]string, error) {
	repo, err := gogit.PlainOpen(dir)
	if err != nil {
		return nil, err
	}
	c, err := repo.CommitObject(plumbing.Hash(h))
	if err != nil {
		return nil, err
	}
	iter, err := c.Files()
	if err != nil {
		return nil, err
	}
	defer iter.Close()

	files := map[string]string{}
	for {
		f, err := iter.Next()
		if err != nil {
			return files, nil
		}
		if files[f.Name], err = f.Contents(); err != nil {
			return nil, err
		}
	}
}

func glob(t *testing.T, r *gitsync.Repository, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(r.Dir(), "objects", "pack", pattern))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestUnchangedTreeMakesNoCommit(t *testing.T) {
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "a/b/c", "1")
	put(t, e, "a/d", "2")
	first := commit(t, r, e, "first")

	for name, change := range map[string]func(e *gitsync.Edit){
		"nothing":         func(*gitsync.Edit) {},
		"same content":    func(e *gitsync.Edit) { put(t, e, "a/b/c", "1") },
		"there and back":  func(e *gitsync.Edit) { put(t, e, "a/b/c", "x"); put(t, e, "a/b/c", "1") },
		"added, removed":  func(e *gitsync.Edit) { put(t, e, "n/e/w", "x"); mustRemove(t, e.Remove, "n/e/w") },
		"removed, put":    func(e *gitsync.Edit) { mustRemove(t, e.Remove, "a/b/c"); put(t, e, "a/b/c", "1") },
		"removed all,put": func(e *gitsync.Edit) { mustRemove(t, e.RemoveAll, "a/b"); put(t, e, "a/b/c", "1") },
	} {
		t.Run(name, func(t *testing.T) {
			e := edit(t, r, first)
			change(e)
			if dirty, err := e.Dirty(); dirty || err != nil {
				t.Errorf("dirty = %v, %v", dirty, err)
			}
			got, err := r.Commit(t.Context(), gitsync.MainRef, e, info("none"))
			if got != first || !errors.Is(err, gitsync.ErrUnchanged) {
				t.Errorf("commit = %s, %v; want the base and ErrUnchanged", got, err)
			}
			// The edit is still good for a real change.
			put(t, e, "a/b/c", "other")
			if dirty, err := e.Dirty(); !dirty || err != nil {
				t.Errorf("after a change: dirty = %v, %v", dirty, err)
			}
		})
	}
	if n := len(glob(t, r, "*.pack")); n != 1 {
		t.Errorf("%d packs after commits of nothing", n)
	}
}

func mustRemove(t *testing.T, remove func(string) (bool, error), path string) {
	t.Helper()
	if changed, err := remove(path); !changed || err != nil {
		t.Fatalf("remove %s = %v, %v", path, changed, err)
	}
}

func TestEditGoesOnAfterCommit(t *testing.T) {
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "dir/a", "1")
	put(t, e, "dir/b", "1")
	first := commit(t, r, e, "first")
	put(t, e, "dir/a", "2")
	mustRemove(t, e.Remove, "dir/b")
	put(t, e, "other/c", "3")
	second := commit(t, r, e, "second")
	if e.Base() != second {
		t.Errorf("base = %s, want %s", e.Base(), second)
	}
	mustRemove(t, e.RemoveAll, "dir")
	mustRemove(t, e.RemoveAll, "other")
	third := commit(t, r, e, "empty")

	want := map[gitsync.Hash]map[string]string{
		first:  {"dir/a": "1", "dir/b": "1"},
		second: {"dir/a": "2", "other/c": "3"},
		third:  {},
	}
	for h, files := range want {
		if diff := cmp.Diff(files, contents(t, r, h)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", h.Short(), diff)
		}
	}
	var log []gitsync.Hash
	for c, err := range r.Log(third, 0) {
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, c.Hash)
	}
	if stock := strings.Fields(git(t, r.Dir(), "log", "--format=%H", "main")); !slices.EqualFunc(log, stock,
		func(a gitsync.Hash, b string) bool { return a.String() == b }) {
		t.Errorf("log = %v, stock git %v", log, stock)
	}
	fsck(t, r.Dir())
}

func TestEditReadsWhatItHolds(t *testing.T) {
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "a/stored", "stored")
	commit(t, r, e, "first")
	put(t, e, "a/pending", "pending")

	for path, want := range map[string]string{"a/stored": "stored", "a/pending": "pending"} {
		if got, err := e.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s = %q, %v", path, got, err)
		}
	}

	for _, path := range []string{"a", "a/none", "none/none", "a/stored/below"} {
		if _, err := e.ReadFile(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want fs.ErrNotExist", path, err)
		}
	}

	paths, err := e.Paths("")
	if diff := cmp.Diff([]string{"a/pending", "a/stored"}, paths); diff != "" || err != nil {
		t.Errorf("paths: %v\n%s", err, diff)
	}
	if paths, err := e.Paths("none"); len(paths) > 0 || err != nil {
		t.Errorf("paths of nothing = %v, %v", paths, err)
	}
}

func TestPathConflictsAreRefusedWithoutTrace(t *testing.T) {
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "dir/file", "1")
	head := commit(t, r, e, "first")

	for _, path := range []string{"dir", "dir/file/below", "dir/file/far/below"} {
		if _, err := e.Put(path, []byte("x")); !errors.Is(err, gitsync.ErrPathConflict) {
			t.Errorf("put %s: %v, want ErrPathConflict", path, err)
		}
	}

	if _, err := e.Remove("dir"); !errors.Is(err, gitsync.ErrPathConflict) {
		t.Errorf("remove of a directory: %v", err)
	}
	if _, err := e.RemoveAll("dir/file"); !errors.Is(err, gitsync.ErrPathConflict) {
		t.Errorf("remove all of a file: %v", err)
	}

	if changed, err := e.Remove("dir/none"); changed || err != nil {
		t.Errorf("remove of nothing = %v, %v", changed, err)
	}
	if dirty, err := e.Dirty(); dirty || err != nil {
		t.Errorf("dirty = %v, %v", dirty, err)
	}
	if got := e.Base(); got != head {
		t.Errorf("base = %s", got)
	}
}

func TestCommitMessageAndPeople(t *testing.T) {
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "a", "1")

	c := gitsync.CommitInfo{
		Author:    gitsync.Person{Name: "system:serviceaccount:ns:x <evil@example.com>\ncommitter y", Email: "a b@<c>\x00d"},
		Committer: gitsync.Person{},
		Time:      when,
		Subject:   "  two\nlines ",
		Body:      "Body.\r\n\x1b[31mNot red.\n\n",
		Trailers:  []gitsync.Trailer{{Key: "Cluster-Id", Value: "1234"}, {Key: "Reason", Value: "one\nForged: two"}},
	}

	h, err := r.Commit(t.Context(), gitsync.MainRef, e, c)
	if err != nil {
		t.Fatal(err)
	}
	fsck(t, r.Dir())
	got := git(t, r.Dir(), "log", "-1", "--format=%an|%ae|%cn|%s|%aI|%(trailers:key=Cluster-Id)|%(trailers:key=Forged)", "main")
	want := "system:serviceaccount:ns:x evil@example.com committer y|ab@cd|unknown|two lines|2026-11-21T03:02:38+01:30|Cluster-Id: 1234\n|"
	if got != want {
		t.Errorf("stock git reads\n%s\nwant\n%s", got, want)
	}

	back, err := r.ReadCommit(h)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]gitsync.Trailer{{Key: "Cluster-Id", Value: "1234"}, {Key: "Reason", Value: "one Forged: two"}},
		back.Trailers); diff != "" {
		t.Errorf("trailers (-want +got):\n%s", diff)
	}
	if !back.Time.Equal(when) || back.Subject() != "two lines" {
		t.Errorf("read back: %v %q", back.Time, back.Subject())
	}

	for name, bad := range map[string]gitsync.CommitInfo{
		"no subject":  {Time: when},
		"bad trailer": {Time: when, Subject: "s", Trailers: []gitsync.Trailer{{Key: "a b"}}},
		"before time": {Subject: "s"},
		"bad parent":  {Time: when, Subject: "s", Parents: []gitsync.Hash{{}}},
	} {
		put(t, e, "a", name)
		if _, err := r.Commit(t.Context(), gitsync.MainRef, e, bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}

	// What failed can be tried again.
	commit(t, r, e, "good")
	fsck(t, r.Dir())
}

func TestRefMovedLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	r := newRepository(t)
	first, second := edit(t, r, gitsync.Hash{}), edit(t, r, gitsync.Hash{})
	put(t, first, "a", "1")
	put(t, second, "b", "2")
	head := commit(t, r, first, "first")
	_, err := r.Commit(t.Context(), gitsync.MainRef, second, info("second"))
	if !errors.Is(err, gitsync.ErrRefMoved) || appbur.HintOf(err) == "" {
		t.Fatalf("second writer: %v, want ErrRefMoved with a hint", err)
	}
	again := edit(t, r, head)
	put(t, again, "b", "2")
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "2"}, contents(t, r, commit(t, r, again, "again"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	dir := newRepository(t).Dir()
	names := []string{"a", "b", "c", "d", "e", "f"}
	var writers sync.WaitGroup

	for _, name := range names {
		writers.Go(func() {
			// Each has a repository of its own, as another process would.
			r, err := gitsync.Open(dir)
			if err != nil {
				t.Error(err)
				return
			}
			for {
				tip, err := r.Tip(gitsync.MainRef)
				if err != nil && !errors.Is(err, gitsync.ErrRefNotFound) {
					t.Error(err)
					return
				}
				e, err := r.Edit(tip)
				if err == nil {
					_, err = e.Put(name, []byte(name))
				}
				if err == nil {
					_, err = r.Commit(context.Background(), gitsync.MainRef, e, info(name))
				}
				if errors.Is(err, gitsync.ErrRefMoved) {
					continue
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
		})
	}

	writers.Wait()
	r, err := gitsync.Open(dir)
	if err != nil {
		t.Fatal(err)
	}

	tip, err := r.Tip("HEAD")
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(contents(t, r, tip))); !slices.Equal(got, names) {
		t.Errorf("files = %v, want %v", got, names)
	}
	if n := git(t, dir, "rev-list", "--count", "main"); n != "6" {
		t.Errorf("%s commits, want 6", n)
	}
	fsck(t, dir)
}
