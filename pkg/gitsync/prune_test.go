package gitsync_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/pkg/gitsync"
)

func TestPruneDropsOnlyWhatIsOldAndUnused(t *testing.T) {
	r := newRepository(t)
	commits := grow(t, r, 30, 5)

	tip := commits[len(commits)-1]
	point := func(name, payload string) gitsync.Hash {
		e := edit(t, r, tip)
		put(t, e, "apps/data", strings.Repeat(payload, 1000))
		_, _, err := r.CommitAndTag(t.Context(), name, e, tip, info(name), tagInfo(name, nil))
		if err != nil {
			t.Fatal(err)
		}
		return hash(t, git(t, r.Dir(), "rev-parse", name+":apps/data"))
	}

	old, young, kept := point("old", "old "), point("young", "young "), point("kept", "kept ")
	has := func(h gitsync.Hash) bool {
		_, err := tryGit(r.Dir(), "", "cat-file", "-e", h.String())
		return err == nil
	}

	now := time.Now()
	age := func(pattern string, by time.Duration) {
		for _, path := range glob(t, r, pattern) {
			if err := os.Chtimes(path, now, now.Add(-by)); err != nil {
				t.Fatal(err)
			}
		}
	}

	git(t, r.Dir(), "tag", "-d", "old")
	// Nothing is dropped unless it is asked for, nor before its time.
	maintain(t, r, gitsync.MaintainOptions{Full: true})
	report := maintain(t, r, gitsync.MaintainOptions{PruneBefore: now.Add(-time.Hour)})
	if report.Pruned != 0 || report.SetAside == 0 || !has(old) {
		t.Fatalf("%+v", report)
	}
	fsck(t, r.Dir())
	if again := maintain(t, r, gitsync.MaintainOptions{PruneBefore: now.Add(-time.Hour)}); again.Rewritten != 0 {
		t.Errorf("nothing to do, and yet %+v", again)
	}

	// Set aside, it does not become younger by what happens to other objects.
	commits = append(commits, grow(t, r, 30, 5)...)
	git(t, r.Dir(), "tag", "-d", "young")
	maintain(t, r, gitsync.MaintainOptions{})
	time.Sleep(1100 * time.Millisecond) // the times of objects have whole seconds
	cut := time.Now()
	age("*.pack", -time.Hour) // all other packs are younger than the cut
	report = maintain(t, r, gitsync.MaintainOptions{PruneBefore: cut})
	if report.Pruned == 0 || has(old) || !has(young) || !has(kept) {
		t.Fatalf("%+v: old %v, young %v, kept %v", report, has(old), has(young), has(kept))
	}
	fsck(t, r.Dir())

	// Content that was set aside is written again when it is used again.
	if again := point("again", "young "); again != young {
		t.Fatal("the same content has another name")
	}
	report = maintain(t, r, gitsync.MaintainOptions{PruneBefore: now.Add(24 * time.Hour)})
	if !has(young) || !has(kept) || report.SetAside != 0 {
		t.Errorf("%+v", report)
	}
	fsck(t, r.Dir())
	if got := contents(t, r, commits[0]); len(got) != 30 {
		t.Errorf("%d files in the first commit", len(got))
	}
}

// An edit relies on borrowed content only as long as somebody keeps it: without, the
// commit fails when the content is pruned, and nothing else happens; with a pin the
// content stays. Content that is just there is not relied on.
func TestPruneBeforeCommitOfReusedContent(t *testing.T) {
	r := newRepository(t)
	commits := grow(t, r, 10, 2)
	tip := commits[len(commits)-1]
	payload := strings.Repeat("payload ", 100)
	e := edit(t, r, tip)
	put(t, e, "apps/data", payload)
	point, _, err := r.CommitAndTag(t.Context(), "p", e, tip, info("p"), tagInfo("p", nil))
	if err != nil {
		t.Fatal(err)
	}
	borrowing, relying := edit(t, r, tip), edit(t, r, tip)
	if err := borrowing.Borrow(point, "apps"); err != nil {
		t.Fatal(err)
	}
	put(t, borrowing, "apps/other", payload)
	put(t, relying, "apps/another", payload)
	pin, err := r.Pin(t.Context(), point)
	if err != nil {
		t.Fatal(err)
	}
	git(t, r.Dir(), "tag", "-d", "p")
	git(t, r.Dir(), "pack-refs", "--all", "--prune")
	prune := func() {
		t.Helper()
		maintain(t, r, gitsync.MaintainOptions{PruneBefore: time.Now().Add(time.Hour)})
		git(t, r.Dir(), "gc", "-q", "--prune=now")
	}

	prune()
	if err := r.Present(point, "apps"); err != nil {
		t.Errorf("pinned, and yet %v", err)
	}
	if err := pin.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	prune()
	if err := r.Present(point, "apps"); !errors.Is(err, gitsync.ErrObjectNotFound) {
		t.Errorf("%v, want ErrObjectNotFound", err)
	}

	if _, err := r.Commit(t.Context(), gitsync.MainRef, borrowing, info("c")); !errors.Is(err, gitsync.ErrObjectNotFound) {
		t.Fatalf("%v, want ErrObjectNotFound", err)
	}
	if now, err := r.Tip(gitsync.MainRef); err != nil || now != tip {
		t.Errorf("the tip is %s, %v", now, err)
	}
	commit(t, r, relying, "again")
	fsck(t, r.Dir())
	if left := git(t, r.Dir(), "for-each-ref", "refs/appbur"); left != "" {
		t.Errorf("left: %s", left)
	}
}

func TestPruneRefuses(t *testing.T) {
	prune := gitsync.MaintainOptions{PruneBefore: time.Now()}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, r *gitsync.Repository, tip gitsync.Hash)
		want  error
	}{
		"worktrees": {func(t *testing.T, r *gitsync.Repository, _ gitsync.Hash) {
			git(t, r.Dir(), "worktree", "add", "-q", t.TempDir()+"/w")
		}, gitsync.ErrUnsupported},
		"precious objects": {func(t *testing.T, r *gitsync.Repository, _ gitsync.Hash) {
			git(t, r.Dir(), "config", "extensions.preciousObjects", "true")
		}, gitsync.ErrUnsupported},
		"a missing object": {func(t *testing.T, r *gitsync.Repository, tip gitsync.Hash) {
			path := r.Dir() + "/refs/heads/broken"
			if err := os.WriteFile(path, []byte("0123456789012345678901234567890123456789\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, gitsync.ErrObjectNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t)
			commits := grow(t, r, 10, 3)
			c.spoil(t, r, commits[3])
			before := glob(t, r, "*.pack")
			r, err := gitsync.Open(r.Dir())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Maintain(t.Context(), prune); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if diff := cmp.Diff(before, glob(t, r, "*.pack")); diff != "" {
				t.Errorf("packs changed: %s", diff)
			}
		})
	}
}
