package repository

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/keyring"
)

// An id is 16 hexadecimal digits, so that it can never be a path.
func TestIDHasOneForm(t *testing.T) {
	for text, good := range map[string]bool{
		"0011223344556677": true, "ffffffffffffffff": true,
		"": false, "x": false, "../../home/eve/k": false, "..": false, "/etc": false, "00112233445566778": false,
		"0011223344556677/": false, "FFFFFFFFFFFFFFFF": false, "00112233 4556677": false, "001122334455667\n": false,
	} {
		if _, err := ParseID(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
		quoted := strings.ReplaceAll(text, "\n", `\n`)
		if _, err := ParseConfig([]byte("format: 1\nrepository: \"" + quoted + "\"\nrecipients: [age1x]\n")); (err == nil) != good {
			t.Errorf("appbur.yaml with %q: %v", text, err)
		}
	}
}

// A copy is found by its resolved directory, and only there.
func TestBinding(t *testing.T) {
	f := newFixture(t)
	root := filepath.Join(t.TempDir(), "config", "repositories")
	if _, err := ReadBinding(root, f.repo.Dir()); !errors.Is(err, ErrUnbound) || nextStep(err) == "" {
		t.Errorf("before it is bound: %v", err)
	}
	bound, err := f.repo.Bind(root, f.keysDir)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadBinding(root, f.repo.Dir())
	if err != nil || read != bound || read.Keys != f.keysDir || read.ID != f.repo.Config().Repository {
		t.Errorf("read %+v (%v), written %+v", read, err, bound)
	}
	link := filepath.Join(t.TempDir(), "link.git")
	if err := os.Symlink(f.repo.Dir(), link); err != nil {
		t.Fatal(err)
	}
	if read, err = ReadBinding(root, link); err != nil || read != bound {
		t.Errorf("through a link: %+v, %v", read, err)
	}
	if err := f.repo.CheckBinding(bound); err != nil {
		t.Error(err)
	}
	bound.ID = "0000000000000000"
	if err := f.repo.CheckBinding(bound); !errors.Is(err, ErrOtherRepository) || nextStep(err) == "" {
		t.Errorf("another id: %v", err)
	}

	// Keys that have seen another repository are not for this one.
	other := newFixture(t)
	if _, err := f.repo.Bind(root, other.keysDir); !errors.Is(err, ErrOtherRepository) {
		t.Errorf("keys of another repository: %v", err)
	}
}

func TestBindingThatIsNone(t *testing.T) {
	f := newFixture(t)
	root := t.TempDir()
	bound, err := f.repo.Bind(root, f.keysDir)
	if err != nil {
		t.Fatal(err)
	}

	for name, text := range map[string]string{
		"empty": "", "rubbish": "{", "format": `{"format":2}`, "unknown": `{"format":1,"more":1}`,
		"id":       `{"format":1,"path":"/a","repository":"../x","keys":"/k"}`,
		"relative": `{"format":1,"path":"/a","repository":"0011223344556677","keys":"k"}`,
		"moved":    `{"format":1,"path":"/a","repository":"0011223344556677","keys":"/k"}`,
	} {
		if err := os.WriteFile(BindingFile(root, bound), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var key *keyring.Error
		if _, err := ReadBinding(root, f.repo.Dir()); !errors.As(err, &key) || errors.Is(err, ErrUnbound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Without somebody to believe, nothing is believed.
func TestNobodyTrustedIsARefusal(t *testing.T) {
	f := newFixture(t)
	empty := filepath.Join(t.TempDir(), "allowed_signers")
	if err := os.WriteFile(empty, []byte("# nobody\n\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ keys, file string }{{"", ""}, {t.TempDir(), ""}, {f.keysDir, empty}} {
		if data, err := keyring.TrustRoot(c.keys, c.file); !errors.Is(err, keyring.ErrNobodyTrusted) || data != nil {
			t.Errorf("%+v: %q, %v", c, data, err)
		}
	}
	f.backup()
	ref := f.point()
	if _, err := f.repo.VerifyTrust(ref, Trust{KeysDir: f.keysDir}); !errors.Is(err, keyring.ErrNobodyTrusted) {
		t.Errorf("judged by nobody: %v", err)
	}
	if s, err := f.repo.VerifyTrust(ref, Trust{KeysDir: f.keysDir, SkipSignatures: true, Signers: f.trusted()}); err != nil || s.Signer != "" {
		t.Errorf("not checked on purpose: %+v, %v", s, err)
	}
}
