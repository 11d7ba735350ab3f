package gitsync_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

// A clone removes what killed ones left beside its target, and nothing of a clone that
// is at work.
func TestCloneRemovesAbandonedOnes(t *testing.T) {
	source := newRepository(t)
	grow(t, source, 10, 2)
	u, err := gitsync.ParseRemoteURL(source.Dir())
	if err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()

	dead, alive, other := filepath.Join(parent, ".appbur-clone-1"), filepath.Join(parent, ".appbur-clone-2"), filepath.Join(parent, "clone-3")
	for _, dir := range []string{dead, alive, other} {
		if err := os.MkdirAll(filepath.Join(dir, "objects", "pack"), 0o755); err != nil {
			t.Fatal(err)
		}
	}

	// A link is not followed.
	if err := os.Symlink(other, filepath.Join(parent, ".appbur-clone-4")); err != nil {
		t.Fatal(err)
	}
	owner, err := os.Open(alive)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()

	if err := syscall.Flock(int(owner.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(parent, "copy.git")
	if _, _, err := gitsync.Clone(t.Context(), target, gitsync.Remote{Name: "origin", URL: u}, gitsync.MainRef, "",
		gitsync.RemoteOptions{}); err != nil {
		t.Fatal(err)
	}
	fsck(t, target)
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("the abandoned one is still there: %v", err)
	}

	for _, dir := range []string{alive, filepath.Join(other, "objects", "pack")} {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}

	if left, err := filepath.Glob(filepath.Join(parent, ".appbur-clone-*")); err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v", left, err)
	}
}
