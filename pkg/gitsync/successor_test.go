//go:build unix

package gitsync

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/repack"
)

// Our maintenance and a `git repack` take the same packs away at the same time. Each
// relies on the pack that it has just written, so that one must be in nobody's list of
// packs to delete.
func TestSuccessorsOutliveGitsRepack(t *testing.T) {
	r := testRepository(t)
	for n := range 3 {
		if err := testCommit(t, r, fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	chosen := r.objects.Own()
	set, err := repack.Open(chosen, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	set.Link()
	w := &repack.Writer{Set: set, Objects: r.objects, To: repack.ToPack}
	made, hold, err := w.Write(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	repack := exec.Command("git", "-C", r.Dir(), "repack", "-adq")
	repack.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	if out, err := repack.CombinedOutput(); err != nil {
		t.Fatalf("git repack: %v\n%s", err, out)
	}
	if _, err := os.Stat(made.Path); err != nil {
		t.Errorf("git took away what stands for the others: %v", err)
	}
	if err := r.objects.Retire(chosen, nil, []*pack.Pack{made}); err != nil {
		t.Fatal(err)
	}
	hold.Release()
	if _, err := os.Stat(pack.SiblingFile(made, pack.KeepEnding)); err == nil {
		t.Error("the pack is kept for ever")
	}
	if err := testCommit(t, r, "after"); err != nil {
		t.Error(err)
	}
}

// Git deletes packs by name. The same objects packed again by us must not have a name
// that was listed before.
func TestPacksNeverHaveANameAgain(t *testing.T) {
	r := testRepository(t)
	if err := testCommit(t, r, "1"); err != nil {
		t.Fatal(err)
	}
	var had []string

	for range 3 {
		set, err := repack.Open(r.objects.Own(), nil)
		if err != nil {
			t.Fatal(err)
		}
		set.Link()
		w := &repack.Writer{Set: set, Objects: r.objects, To: repack.ToPack}
		made, hold, err := w.Write(t.Context())
		set.Close()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.objects.Retire(r.objects.Own(), nil, []*pack.Pack{made}); err != nil {
			t.Fatal(err)
		}
		hold.Release()
		if name := filepath.Base(made.Path); slices.Contains(had, name) {
			t.Errorf("%s is back", name)
		} else {
			had = append(had, name)
		}
	}
}

// What a maintenance has written is held for as long as the packs are there that it
// stands for.
func TestSuccessorsAreHeldUntilTheOthersAreGone(t *testing.T) {
	r := testRepository(t)
	for n := range 3 {
		if err := testCommit(t, r, fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}

	set, err := repack.Open(r.objects.Own(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	made, release, err := r.writePacks(t.Context(), set, &MaintainReport{})
	if err != nil || len(made) != 1 {
		t.Fatalf("%d packs, %v", len(made), err)
	}

	keep := pack.SiblingFile(made[0], pack.KeepEnding)
	if _, err := os.Stat(keep); err != nil {
		t.Errorf("not held: %v", err)
	}
	release()
	if _, err := os.Stat(keep); err == nil {
		t.Error("held after its release")
	}
}
