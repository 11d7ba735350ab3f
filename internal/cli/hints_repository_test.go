package cli

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/keyring"
)

// What is wrong with a key directory leads to the flag that names another one.
func TestHintsOfTheKeyDirectory(t *testing.T) {
	dir, empty := filepath.Join(t.TempDir(), "keys"), t.TempDir()
	if _, _, err := keyring.Create(dir, rand.Reader); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(empty, "missing")

	_, noKeys := keyring.Load(empty)
	_, noDirectory := keyring.LoadOpener("", "")
	_, noIdentity := keyring.LoadOpener(empty, "")
	_, nobody := keyring.TrustRoot(empty, "")
	_, noFile := keyring.TrustRoot("", missing)
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"keys are there":           {keyring.Vacant(dir), "pass --keys with another directory"},
		"no keys":                  {noKeys, "pass --keys DIR"},
		"no directory, no file":    {noDirectory, "pass --identity FILE"},
		"no identity":              {noIdentity, "pass --identity FILE"},
		"nobody trusted":           {nobody, "pass --trust FILE with the allowed_signers of the machine"},
		"a trust root not to read": {noFile, "pass --trust FILE in the format"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hintOf(test.err); !strings.HasPrefix(got, test.want) {
				t.Errorf("%v: hint %q, want %q", test.err, got, test.want)
			}
		})
	}
}
