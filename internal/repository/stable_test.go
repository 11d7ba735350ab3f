package repository

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
)

// A backup from a fresh clone, by another process, on a machine that cannot decrypt,
// keeps every byte of what did not change.
func TestUnchangedSecretsKeepTheirCiphertext(t *testing.T) {
	other, _ := newKeys(t)
	f := newFixture(t, other.Recipient)
	if first := f.backup(); !first.Committed || first.Added != 3 {
		t.Fatalf("the first backup: %+v", first)
	}
	tree := f.git("rev-parse", "main^{tree}")

	f.time = f.time.Add(time.Hour)
	f.reopen()
	if again := f.backup(); again.Committed {
		t.Error("a new process commits")
	}

	dir := t.TempDir()
	clone, keys := filepath.Join(dir, "clone.git"), filepath.Join(dir, "keys")
	f.git("clone", "--mirror", "--no-hardlinks", f.repo.Dir(), clone)
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{keyring.FingerprintFile, keyring.SigningFile} {
		data, err := os.ReadFile(filepath.Join(f.keysDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(keys, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.open(clone, keys)
	if again := f.backup(); again.Committed {
		t.Errorf("a clone without the private key commits:\n%s", f.git("show", "--stat", "main"))
	}

	// One changed value changes one file.
	writer := f.begin()
	results := f.results()
	results[0].Manifest.Data = append(results[0].Manifest.Data[:len(results[0].Manifest.Data):len(results[0].Manifest.Data)], "zz: new\n"...)
	for _, result := range results {
		if err := writer.Put(result); err != nil {
			t.Fatal(err)
		}
	}
	outcome, err := writer.Commit(t.Context(), f.now(), appbur.Coverage{})
	if err != nil || outcome.Changed != 1 || outcome.Added+outcome.Removed != 0 {
		t.Errorf("%+v, %v", outcome, err)
	}
	if now := f.git("rev-parse", "main^{tree}"); now == tree {
		t.Error("the change is lost")
	}
	if files := f.git("diff", "--name-only", "main~1", "main"); files != "namespaces/team/secret/db.yaml\n" {
		t.Errorf("changed:\n%s", files)
	}
}
