//go:build integration

package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/pkg/seal"
)

// sopsModule pins the sops command that the file format is checked against.
const sopsModule = "../../hack/sops"

const sopsPackage = "github.com/getsops/sops/v3"

// sopsBinary builds the real sops once and keeps it in the user's cache
// directory, for all clones.
var sopsBinary = sync.OnceValues(func() (string, error) {
	list := exec.Command("go", "list", "-m", "-f", "{{.Version}}", sopsPackage)
	list.Dir = sopsModule
	version, err := list.Output()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "appbur", "tools", "sops-"+strings.TrimSpace(string(version)))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	// Built beside its place and renamed, so that it is whole or not there.
	build, err := os.MkdirTemp(filepath.Dir(path), "build-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(build) }()
	compile := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(build, "sops"), sopsPackage+"/cmd/sops")
	compile.Dir = sopsModule
	compile.Stderr = os.Stderr
	if err := compile.Run(); err != nil {
		return "", err
	}
	return path, os.Rename(filepath.Join(build, "sops"), path)
})

// sops runs the real command with an age private key.
func sops(t *testing.T, k seal.Keys, editor string, args ...string) []byte {
	t.Helper()
	out, err := runSops(t, k, editor, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func runSops(t *testing.T, k seal.Keys, editor string, args ...string) ([]byte, error) {
	t.Helper()
	binary, err := sopsBinary()
	if err != nil {
		t.Fatalf("build sops from hack/sops: %v (it needs the Go module proxy once)", err)
	}
	cmd := exec.Command(binary, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "SOPS_AGE_KEY="+k.Identity, "EDITOR="+editor, "SOPS_DISABLE_VERSION_CHECK=true")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sops %s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}

func TestRealSopsDecryptsOurFiles(t *testing.T) {
	k, other := keys(t), keys(t)
	for name, plain := range map[string][]byte{
		"everything": secret(t, 900<<10),
		"no data":    []byte("apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n"),
		"empty data": []byte("apiVersion: v1\ndata: {}\nkind: Secret\nmetadata:\n  name: x\n"),
		"canonical":  []byte("apiVersion: v1\ndata:\n  a: b25l\n  b: \"\"\nkind: Secret\nmetadata:\n  annotations:\n    t: |-\n      two\n      lines\n  name: x\n"),
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "secret.yaml")
			sealed := sealManifest(t, sealer(t, k.FingerprintKey, other.Recipient, k.Recipient), plain, nil)
			if err := os.WriteFile(file, sealed, 0o600); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parse(t, plain), parse(t, sops(t, k, "", "decrypt", file))); diff != "" {
				t.Errorf("sops decrypts something else (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFilesThatRealSopsEditedOpen(t *testing.T) {
	k := keys(t)
	s, o := sealer(t, k.FingerprintKey, k.Recipient), opener(t, k)
	plain := secret(t, 100)
	file := filepath.Join(t.TempDir(), "secret.yaml")
	write := func(data []byte) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func() []byte {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	password := func(v map[string]any) any { return v["data"].(map[string]any)["password"] }

	write(sealManifest(t, s, plain, nil))
	sops(t, k, "", "set", file, `["data"]["password"]`, `"bmV3"`)
	edited := read()
	want := parse(t, plain)
	want["data"].(map[string]any)["password"] = "bmV3"
	opened, err := o.OpenManifest(edited)
	if err != nil {
		t.Fatalf("%v:\n%s", err, edited)
	}
	if diff := cmp.Diff(want, parse(t, opened)); diff != "" {
		t.Errorf("after sops set (-want +got):\n%s", diff)
	}
	// What somebody edited is not what the cluster has: it is sealed anew.
	if again := sealManifest(t, s, plain, edited); bytes.Equal(again, edited) {
		t.Error("the edited file was kept")
	}

	// Comments that sops encrypts do not disturb.
	sops(t, k, `sed -i -e 's/^data:/# about the data\ndata:\n    # SECRET comment/'`, "edit", file)
	commented := read()
	if !bytes.Contains(commented, []byte("#ENC[")) {
		t.Fatalf("sops edit left no encrypted comment:\n%s", commented)
	}
	if opened, err = o.OpenManifest(commented); err != nil || password(parse(t, opened)) != "bmV3" {
		t.Errorf("after sops edit: %v", err)
	}

	// A file that sops made by itself.
	write(plain)
	sops(t, k, "", "encrypt", "--in-place", "--age", k.Recipient, "--encrypted-regex", seal.EncryptedRegex, file)
	if opened, err = o.OpenManifest(read()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parse(t, plain), parse(t, opened)); diff != "" {
		t.Errorf("a file of sops (-want +got):\n%s", diff)
	}
}

// The real command decrypts values that are no Secret's, by whatever selection,
// for each of several recipients alone, and after a rotation for the new ones only.
func TestRealSopsDecryptsSelections(t *testing.T) {
	first, second, third := keys(t), keys(t), keys(t)
	strange := "data:\n  \"č\\n\\\"\": SECRET\n  a.b*c: SECRET\n  number: 1\nkind: ConfigMap\nmetadata:\n  name: x\n"
	for name, test := range map[string]struct {
		plain string
		paths []string
	}{
		"annotation":   {custom, []string{"metadata>annotations>example.org/token"}},
		"subtree":      {custom, []string{"spec>admin"}},
		"list":         {custom, []string{"spec>users"}},
		"number":       {custom, []string{"spec>replicas", "spec>admin>ratio", "spec>admin>tls"}},
		"more":         {custom, []string{"spec>name"}},
		"everywhere":   {custom, []string{"spec>admin>password"}},
		"strange keys": {strange, []string{"data>č\n\"", "data>a.b*c", "data>number"}},
	} {
		t.Run(name, func(t *testing.T) {
			sealed := sealPaths(t, sealer(t, first.FingerprintKey, first.Recipient, second.Recipient), test.plain, nil, test.paths...)
			file := filepath.Join(t.TempDir(), "object.yaml")
			check := func(readers ...seal.Keys) {
				t.Helper()
				if err := os.WriteFile(file, sealed, 0o600); err != nil {
					t.Fatal(err)
				}

				for _, k := range readers {
					if diff := cmp.Diff(parse(t, []byte(test.plain)), parse(t, sops(t, k, "", "decrypt", file))); diff != "" {
						t.Errorf("sops decrypts something else (-want +got):\n%s", diff)
					}
				}
			}

			check(first, second)
			rotated, err := sealer(t, third.FingerprintKey, second.Recipient, third.Recipient).ResealManifest(sealed, opener(t, first),
				func([]byte) ([]byte, error) { return []byte(test.plain), nil })
			if err != nil {
				t.Fatal(err)
			}
			sealed = rotated
			check(second, third)
			if out, err := runSops(t, first, "", "decrypt", file); err == nil {
				t.Errorf("the key that was taken away decrypts:\n%s", out)
			}
		})
	}
}

// The command's own rotation, after which it is sealed anew only if it must be.
func TestFilesThatRealSopsRotatedOpen(t *testing.T) {
	k, other := keys(t), keys(t)
	sealed := sealPaths(t, sealer(t, k.FingerprintKey, k.Recipient), custom, nil, "spec>admin")
	file := filepath.Join(t.TempDir(), "object.yaml")
	if err := os.WriteFile(file, sealed, 0o600); err != nil {
		t.Fatal(err)
	}
	sops(t, k, "", "rotate", "--in-place", "--add-age", other.Recipient, "--rm-age", k.Recipient, file)
	rotated, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	opened, err := opener(t, other).OpenManifest(rotated)
	if err != nil {
		t.Fatalf("%v:\n%s", err, rotated)
	}
	if diff := cmp.Diff(parse(t, []byte(custom)), parse(t, opened)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !seal.IsSealed(rotated) {
		t.Error("IsSealed does not know it")
	}
	if _, err := opener(t, k).OpenManifest(rotated); !errors.Is(err, seal.ErrNoIdentityMatch) {
		t.Errorf("the removed key: %v", err)
	}
}
