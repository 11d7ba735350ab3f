package gitsync_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// zeros makes a blob of so many bytes, which take a thousandth of that when compressed.
func zeros(t *testing.T, dir string, size int) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", fmt.Sprintf("head -c %d /dev/zero | git -c core.compression=1 hash-object -w --stdin", size))
	cmd.Dir = dir
	id, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(id))
}

// nest makes a tree of width entries in each of depth levels, all the same.
func nest(t *testing.T, dir string, width, depth int, kind, id string) string {
	t.Helper()
	for range depth {
		var tree strings.Builder
		for n := range width {
			fmt.Fprintf(&tree, "%s %s\tn%d\n", kind, id, n)
		}
		id, kind = gitIn(t, dir, tree.String(), "mktree"), "040000 tree"
	}
	return id
}

// allocated is how many bytes a function takes from memory, in all.
func allocated(what func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	what()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func wantTooLarge(t *testing.T, what, setting string, err error) {
	t.Helper()
	if !errors.Is(err, gitsync.ErrTooLarge) || !strings.Contains(appbur.HintOf(err), "appbur."+setting+" ") {
		t.Errorf("%s: %v, hint %q; want ErrTooLarge and %s", what, err, appbur.HintOf(err), setting)
	}
}

func reopen(t *testing.T, dir string) *gitsync.Repository {
	t.Helper()
	r, err := gitsync.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What a pushed object claims is looked at before room is made for it, however it is
// stored and whoever reads it.
func TestWhatIsTooLargeIsNotRead(t *testing.T) {
	r := filled(t, 3)
	dir := r.Dir()
	tip, err := r.Tip(gitsync.MainRef)
	if err != nil {
		t.Fatal(err)
	}
	const size = 32 << 20
	tree := gitIn(t, dir, fmt.Sprintf("100644 blob %s\tlarge\n", zeros(t, dir, size)), "mktree")
	large := hash(t, git(t, dir, "commit-tree", "-m", "large", tree))
	git(t, dir, "update-ref", "refs/heads/large", large.String())
	git(t, dir, "config", "appbur.maxObjectSize", "16m")

	for _, stored := range []string{"loose", "packed"} {
		if stored == "packed" {
			git(t, dir, "-c", "core.bigFileThreshold=1g", "-c", "core.compression=1", "repack", "-q", "-ad", "--window=0")
		}
		r := reopen(t, dir)
		took := allocated(func() {
			_, err := snapshot(t, r, large).ReadFile("large")
			wantTooLarge(t, stored+", read", "maxObjectSize", err)
			err = snapshot(t, r, large).ReadAll(t.Context(), "", func(string, []byte) error { return nil })
			wantTooLarge(t, stored+", all", "maxObjectSize", err)
			report, err := gitsync.Check(t.Context(), dir, gitsync.CheckOptions{})
			if err != nil || len(report.Problems) != 1 || report.Problems[0].Kind != gitsync.ProblemLimit || len(report.Problems[0].Affects) != 1 {
				t.Errorf("%s, check: %+v, %v", stored, report.Problems, err)
			}

			// It holds up nothing else.
			if _, err := r.Maintain(t.Context(), gitsync.MaintainOptions{Full: true}); err != nil {
				t.Errorf("%s, maintain: %v", stored, err)
			}
			if got := contents(t, r, tip); len(got) != 3 {
				t.Errorf("%s: %d files of another commit", stored, len(got))
			}
		})
		if took > 12<<20 {
			t.Errorf("%s: %d bytes of memory", stored, took)
		}
	}

	// Whoever owns the copy may allow more.
	git(t, dir, "config", "appbur.maxObjectSize", "32m")
	git(t, dir, "config", "appbur.maxDescriptionSize", "1m")
	if data, err := snapshot(t, reopen(t, dir), large).ReadFile("large"); err != nil || len(data) != size {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	_, err = snapshot(t, reopen(t, dir), large).ReadDescription("large")
	wantTooLarge(t, "description", "maxDescriptionSize", err)
}

// Six trees are enough for a million files, or directories, and one file for as many
// bytes as it has places.
func TestTreesThatExpandAreNotFollowed(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	r := newRepository(t)
	dir := r.Dir()
	blob := gitIn(t, dir, strings.Repeat("x", 1<<20), "hash-object", "-w", "--stdin")
	commit := func(tree string) gitsync.Hash {
		return hash(t, git(t, dir, "commit-tree", "-m", "wide", tree))
	}
	git(t, dir, "config", "appbur.maxFiles", "100000")
	r = reopen(t, dir)
	const name = 250 // bytes: one level of it is in every path below
	long := gitIn(t, dir, fmt.Sprintf("040000 tree %s\t%s\n", nest(t, dir, 10, 5, "100644 blob", blob), strings.Repeat("n", name)), "mktree")

	for what, wide := range map[string]gitsync.Hash{
		"files":       commit(nest(t, dir, 10, 5, "100644 blob", blob)),
		"directories": commit(nest(t, dir, 10, 6, "040000 tree", gitIn(t, dir, "", "mktree"))),
		"long names":  commit(long),
	} {
		took := allocated(func() {
			wantTooLarge(t, what+", walk", "maxFiles", snapshot(t, r, wide).Walk("", func(string, gitsync.Hash) error { return nil }))
			_, err := r.Diff(gitsync.Hash{}, wide)
			wantTooLarge(t, what+", diff", "maxFiles", err)
			anything := gitsync.Name{Match: func(string) bool { return true }}
			_, err = r.Match(wide, gitsync.Pattern{anything, anything, anything, anything, anything, anything})
			if what != "files" { // whose sixth level is empty
				wantTooLarge(t, what+", match", "maxFiles", err)
			}
		})
		if took > 512<<20 {
			t.Errorf("%s: %d bytes of memory", what, took)
		}
	}

	many := commit(nest(t, dir, 10, 4, "100644 blob", blob))
	git(t, dir, "config", "appbur.maxTotalSize", "100m")
	err := snapshot(t, reopen(t, dir), many).ReadAll(t.Context(), "", func(string, []byte) error { return nil })
	wantTooLarge(t, "content", "maxTotalSize", err)

	// As many as nobody has, without a setting.
	git(t, dir, "config", "--unset", "appbur.maxFiles")
	million := commit(nest(t, dir, 10, 6, "100644 blob", blob))
	wantTooLarge(t, "million", "maxFiles", snapshot(t, reopen(t, dir), million).Walk("", func(string, gitsync.Hash) error { return nil }))
}

// A list of refs has an end, in files of their own, packed, and at a remote.
func TestTooManyRefs(t *testing.T) {
	r := filled(t, 3)
	dir := r.Dir()
	tip := git(t, dir, "rev-parse", gitsync.MainRef)
	git(t, dir, "update-ref", "refs/tags/a", tip)
	git(t, dir, "update-ref", "refs/tags/b", tip)
	git(t, dir, "config", "appbur.maxRefs", "1")
	for _, stored := range []string{"loose", "packed"} {
		_, err := reopen(t, dir).Tags("")
		wantTooLarge(t, stored, "maxRefs", err)
		report, err := gitsync.Check(t.Context(), dir, gitsync.CheckOptions{})
		if err != nil || len(report.Problems) == 0 || report.Problems[0].Kind != gitsync.ProblemLimit {
			t.Errorf("%s, check: %+v, %v", stored, report.Problems, err)
		}
		git(t, dir, "pack-refs", "--all")
	}

	// The size of the file is enough to tell.
	file, err := os.OpenFile(filepath.Join(dir, "packed-refs"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Truncate(1<<32), file.Close()); err != nil {
		t.Fatal(err)
	}
	if took := allocated(func() {
		_, err := reopen(t, dir).Tags("")
		wantTooLarge(t, "sparse", "maxRefs", err)
	}); took > 1<<20 {
		t.Errorf("%d bytes of memory", took)
	}
}

func TestLimitSettings(t *testing.T) {
	r := newRepository(t)
	for text, ok := range map[string]bool{
		"1": true, "64k": true, "3M": true, "2g": true,
		"0": false, "-1": false, "many": false, "1.5g": false, "9223372036854775807": false, "9999999999g": false,
	} {
		git(t, r.Dir(), "config", "appbur.maxObjectSize", text)
		_, err := gitsync.Open(r.Dir())
		if (err == nil) != ok || err != nil && appbur.HintOf(err) == "" {
			t.Errorf("%s: %v, hint %q", text, err, appbur.HintOf(err))
		}
	}
}
