package serve

import (
	"crypto/x509"
	"errors"
	"flag"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

func parseCallers(t *testing.T, args ...string) *callers {
	t.Helper()
	var c callers
	set := flag.NewFlagSet("x", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	c.add(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &c
}

// Who makes backups need not be able to overwrite anything.
func TestExportingAndImportingAreSeparateRights(t *testing.T) {
	dir := t.TempDir()
	token := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	reader, both := token("reader", "reader-0123456789-0123456789"), token("both", "both-0123456789-0123456789ab")
	guard, err := parseCallers(t, "--export-name", "spiffe://example.com/backup", "--import-name", "restore.example.com",
		"--export-token", reader, "--export-token", both, "--import-token", both).guard(true)
	if err != nil {
		t.Fatal(err)
	}

	for name, c := range map[string]struct {
		shown            contract.Credentials
		exports, imports bool
	}{
		"a name that exports": {contract.Credentials{Certificate: &x509.Certificate{URIs: []*url.URL{{
			Scheme: "spiffe", Host: "example.com",
			Path: "/backup",
		}}}}, true, false},
		"a name that imports":  {contract.Credentials{Certificate: &x509.Certificate{DNSNames: []string{"restore.example.com"}}}, false, true},
		"another name":         {contract.Credentials{Certificate: &x509.Certificate{DNSNames: []string{"other.example.com"}}}, false, false},
		"a token that exports": {contract.Credentials{Token: "reader-0123456789-0123456789"}, true, false},
		"a token for both":     {contract.Credentials{Token: "both-0123456789-0123456789ab"}, true, true},
		"another token":        {contract.Credentials{Token: "other-0123456789-0123456789"}, false, false},
		"nothing":              {contract.Credentials{}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			caller, err := guard.Identify(t.Context(), c.shown)
			if errors.Is(err, contract.ErrNotIdentified) {
				caller, err = contract.Caller{}, nil
			}
			if err != nil {
				t.Fatal(err)
			}
			for right, want := range map[contract.Right]bool{contract.RightExport: c.exports, contract.RightImport: c.imports} {
				may := false
				if caller.May != nil {
					may, err = caller.May(t.Context(), right)
				}
				if may != want || err != nil {
					t.Errorf("%s: %t, want %t; %v", right, may, want, err)
				}
			}
		})
	}
}

func TestCallersThatCannotBe(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"names without authorities": {"--export-name", "a.example.com"},
		"no such token":             {"--export-token", short + "x"},
		"a short token":             {"--import-token", short},
	} {
		t.Run(name, func(t *testing.T) {
			if guard, err := parseCallers(t, args...).guard(false); err == nil || appbur.HintOf(err) == "" {
				t.Errorf("got %v, %v, hint %q", guard, err, appbur.HintOf(err))
			}
		})
	}
	if guard, err := parseCallers(t).guard(true); guard != nil || err != nil {
		t.Errorf("nobody is named: %v, %v", guard, err)
	}
}
