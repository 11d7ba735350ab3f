package gitsync_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// A remote whose objects have SHA-256 names is called that, empty or not, and not a
// server that speaks another protocol.
func TestRemoteOfSHA256(t *testing.T) {
	source := filled(t, 3)
	for _, name := range []string{"empty", "with a branch"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "sha256.git")
			git(t, "/", "init", "-q", "--bare", "--object-format=sha256", dir)
			if name != "empty" {
				tree := gitIn(t, dir, "", "mktree")
				git(t, dir, "update-ref", "refs/heads/main", git(t, dir, "commit-tree", "-m", "x", tree))
			}
			remote := gitsync.Remote{Name: "origin", URL: remoteURL(t, dir)}

			_, pushed := source.Push(t.Context(), remote, what, gitsync.RemoteOptions{})
			_, _, cloned := gitsync.Clone(t.Context(), filepath.Join(t.TempDir(), "c.git"), remote, gitsync.MainRef, "", gitsync.RemoteOptions{})
			if name == "empty" {
				cloned = pushed // git says nothing of an empty repository to whoever reads
			}
			for does, err := range map[string]error{"push": pushed, "clone": cloned} {
				if !errors.Is(err, gitsync.ErrUnsupported) || gitsync.StateOf(err) != gitsync.RemoteMisconfigured ||
					!strings.Contains(err.Error(), "sha256") || !strings.Contains(appbur.HintOf(err), "--object-format=sha1") {
					t.Errorf("%s: %v (%s), hint %q", does, err, gitsync.StateOf(err), appbur.HintOf(err))
				}
			}
		})
	}
}
