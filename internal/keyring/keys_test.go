package keyring

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// newDir is a key directory with fresh keys.
func newDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if _, _, err := Create(dir, rand.Reader); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestCreatedKeysServe(t *testing.T) {
	dir := newDir(t)
	keys, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if exposed := Exposed(append(keys.Files(), IdentityPath(dir, ""))); len(exposed) != 0 {
		t.Errorf("others can read %v", exposed)
	}
	if opener, err := LoadOpener(dir, ""); err != nil || len(opener.Recipients()) != 1 {
		t.Errorf("the identity: %v", err)
	}
	if trusted, err := keys.Trusted(); err != nil || len(trusted) == 0 {
		t.Errorf("trusted are %q, %v", trusted, err)
	}
}

func TestKeysAreNeverReplaced(t *testing.T) {
	for _, name := range []string{IdentityFile, FingerprintFile, SigningFile, AllowedSignersFile, SeenFile} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			write(t, path, "mine", 0o600)

			if err := Vacant(dir); err == nil {
				t.Error("the directory counts as vacant")
			}
			if name == SeenFile {
				return // Create makes no memory
			}

			_, made, err := Create(dir, rand.Reader)
			if data, _ := os.ReadFile(path); err == nil || string(data) != "mine" {
				t.Errorf("it holds %q, %v", data, err)
			}
			for _, file := range made {
				if _, err := os.Lstat(file); err == nil {
					t.Errorf("%s was left behind", file)
				}
			}
		})
	}
}

func TestBadKeysAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(dir string){
		"no fingerprint key":    func(dir string) { _ = os.Remove(filepath.Join(dir, FingerprintFile)) },
		"no signing key":        func(dir string) { _ = os.Remove(filepath.Join(dir, SigningFile)) },
		"short fingerprint key": func(dir string) { write(t, filepath.Join(dir, FingerprintFile), "abcd\n", 0o600) },
		"signing key":           func(dir string) { write(t, filepath.Join(dir, SigningFile), "rubbish", 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			spoil(dir)
			var bad *Error
			if _, err := Load(dir); !errors.As(err, &bad) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestExposedFiles(t *testing.T) {
	dir := t.TempDir()
	private, open, shared := filepath.Join(dir, "private"), filepath.Join(dir, "open"), filepath.Join(dir, "shared")
	write(t, private, "", 0o600)
	write(t, open, "", 0o644)
	write(t, shared, "", 0o600)
	if err := os.Chmod(shared, 0o622); err != nil {
		t.Fatal(err)
	}

	mounted := filepath.Join(dir, "mounted") // as kubelets do for a pod that is not root
	write(t, mounted, "", 0o440)

	files := []string{private, open, shared, mounted, filepath.Join(dir, "missing")}
	names := func(list []ExposedFile) (names []string) {
		for _, x := range list {
			names = append(names, filepath.Base(x.File))
		}
		return names
	}
	if got := names(Exposed(files)); !slices.Equal(got, []string{"open", "shared"}) {
		t.Errorf("exposed are %v", got)
	}
	if got := names(WritableByOthers(files)); !slices.Equal(got, []string{"shared"}) {
		t.Errorf("writable are %v", got)
	}
}

func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "username"), "me\n", 0o644)
	write(t, filepath.Join(dir, "password"), "secret\n", 0o600)
	if c, err := LoadCredentials(dir); err != nil || c.Username != "me" || c.Password != "secret" {
		t.Errorf("%+v, %v", c, err)
	}

	to := filepath.Join(t.TempDir(), "copy")
	if names, err := CopyCredentials(dir, to); err != nil || !slices.Equal(names, []string{"username", "password"}) {
		t.Errorf("copied %v, %v", names, err)
	}
	if exposed := Exposed([]string{filepath.Join(to, "username"), filepath.Join(to, "password")}); len(exposed) != 0 {
		t.Errorf("others can read %v", exposed)
	}

	var bad *Error
	if _, err := CopyCredentials(t.TempDir(), to); !errors.As(err, &bad) {
		t.Errorf("nothing to copy: %v", err)
	}
	write(t, filepath.Join(dir, "bearerToken"), "a\nb", 0o600)
	if _, err := LoadCredentials(dir); !errors.As(err, &bad) {
		t.Errorf("two lines: %v", err)
	}
	if err := os.Chmod(filepath.Join(dir, "password"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadCredentials(dir); !errors.As(err, &bad) {
		t.Errorf("a password for everybody: %v", err)
	}
}
