package gitsync_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

// Whatever was merged with what, an ancestor has a greater number, and exactly what git
// finds has one.
func TestAncestryFollowsHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	for seed := range uint64(4) {
		r := randomHistory(t, seed, 60)
		tip, err := r.Tip(gitsync.MainRef)
		if err != nil {
			t.Fatal(err)
		}
		var all []gitsync.Hash
		for line := range strings.Lines(git(t, r.Dir(), "rev-list", "--all")) {
			all = append(all, hash(t, strings.TrimSpace(line)))
		}
		numbers, err := r.Ancestry(tip, all...)
		if err != nil {
			t.Fatal(err)
		}
		if reached := strings.Fields(git(t, r.Dir(), "rev-list", tip.String())); len(reached) != len(numbers) || numbers[tip] != 0 {
			t.Errorf("seed %d: %d commits have numbers, git reaches %d", seed, len(numbers), len(reached))
		}
		for hash, n := range numbers {
			c, err := r.ReadCommit(hash)
			if err != nil {
				t.Fatal(err)
			}
			for _, parent := range c.Parents {
				if numbers[parent] <= n {
					t.Errorf("seed %d: %s is %d and its parent %s is %d", seed, hash.Short(), n, parent.Short(), numbers[parent])
				}
			}
		}
	}
}

// Damage far back does not hide what is known of the commits before it.
func TestAncestryBeforeDamage(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	dir := filepath.Join(t.TempDir(), "repo")
	git(t, t.TempDir(), "init", "-q", "-b", "main", dir)
	for range 4 {
		git(t, dir, "commit", "-q", "--allow-empty", "-m", "x")
	}
	commits := strings.Fields(git(t, dir, "rev-list", "main"))
	damaged := commits[2]
	if err := os.Remove(filepath.Join(dir, ".git", "objects", damaged[:2], damaged[2:])); err != nil {
		t.Fatal(err)
	}
	r, err := gitsync.Open(filepath.Join(dir, ".git"))
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := r.Ancestry(hash(t, commits[0]), hash(t, commits[1]), hash(t, commits[3]))
	if !errors.Is(err, gitsync.ErrObjectNotFound) || len(numbers) != 1 || numbers[hash(t, commits[1])] != 1 {
		t.Errorf("%v, %v", numbers, err)
	}
	near := slices.Clone(commits[:2])
	if numbers, err := r.Ancestry(hash(t, near[0]), hash(t, near[1])); err != nil || len(numbers) != 1 {
		t.Errorf("what is near needs nothing that is far: %v, %v", numbers, err)
	}
}
