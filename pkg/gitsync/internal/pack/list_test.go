package pack

import (
	"os"
	"path/filepath"
	"testing"
)

// A directory that was listed while a pack was published may lack what came first.
func TestPackListedWhileItIsPublished(t *testing.T) {
	listed := Files{filepath.Join(t.TempDir(), "pack-1"), map[string]bool{indexEnding: true}}
	for _, ending := range []string{packEnding, KeepEnding, mtimesEnding, indexEnding} {
		if err := os.WriteFile(listed.path(ending), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	listed.complete()
	for ending, want := range map[string]bool{packEnding: true, KeepEnding: true, mtimesEnding: true, indexEnding: true, revEnding: false} {
		if listed.has(ending) != want {
			t.Errorf("%s: %v, want %v", ending, listed.has(ending), want)
		}
	}
}
