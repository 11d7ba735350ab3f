package cli

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/repository"
)

// What is done besides a backup must not fail the backup.
func TestMaintenanceThatFailsIsAWarning(t *testing.T) {
	e, _, errs := testEnv(false)
	dir := filepath.Join(t.TempDir(), "repo.git")
	if _, err := repository.Create(t.Context(), dir, filepath.Join(t.TempDir(), "keys"), "", nil, rand.Reader, e.now); err != nil {
		t.Fatal(err)
	}
	repo, err := repository.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m := e.maintainIfDue(t.Context(), repo); m != nil || errs.Len() > 0 {
		t.Errorf("nothing is due: %+v, %s", m, errs)
	}
	if err := os.WriteFile(filepath.Join(dir, "appbur-prune.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if m := e.maintainIfDue(t.Context(), repo); m != nil || !strings.Contains(errs.String(), "was not packed together") {
		t.Errorf("%+v, %s", m, errs)
	}
}
