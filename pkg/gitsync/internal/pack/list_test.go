package pack

import (
	"os"
	"path/filepath"
	"testing"
)

// A directory that was listed while a pack was published may lack what came first.
func TestPackListedWhileItIsPublished(t *testing.T) {
	listed := Files{filepath.Join(t.TempDir(), "pack-1"), map[string]bool{IndexEnding: true}}
	for _, ending := range []string{PackEnding, KeepEnding, MtimesEnding, IndexEnding} {
		if err := os.WriteFile(listed.Path(ending), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	listed.Complete()
	for ending, want := range map[string]bool{PackEnding: true, KeepEnding: true, MtimesEnding: true, IndexEnding: true, RevEnding: false} {
		if listed.Has(ending) != want {
			t.Errorf("%s: %v, want %v", ending, listed.Has(ending), want)
		}
	}
}
