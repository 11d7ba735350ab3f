package seal_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/seal"
)

const principal = "appbur@example.com"

// signers are one key of each type that OpenSSH still makes.
func signers(t testing.TB) map[string]*seal.Signer {
	t.Helper()
	pems := map[string][]byte{"ed25519": keys(t).SigningKey}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	for name, key := range map[string]any{"rsa": rsaKey, "ecdsa": ecKey} {
		block, err := ssh.MarshalPrivateKey(key, "")
		if err != nil {
			t.Fatal(err)
		}
		pems[name] = pem.EncodeToMemory(block)
	}

	all := map[string]*seal.Signer{}
	for name, data := range pems {
		if all[name], err = seal.NewSigner(data); err != nil {
			t.Fatal(err)
		}
	}

	return all
}

func sign(t testing.TB, s *seal.Signer, message string) []byte {
	t.Helper()
	signature, err := s.Sign([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

func TestSignaturesVerify(t *testing.T) {
	for name, s := range signers(t) {
		t.Run(name, func(t *testing.T) {
			allowed := []byte(seal.AllowedSigner(principal, s.AuthorizedKey()))
			signature := sign(t, s, "message")
			if got, err := seal.VerifySSH(allowed, []byte("message"), signature); err != nil || got != principal {
				t.Errorf("verify = %q, %v", got, err)
			}
			if _, err := seal.VerifySSH(allowed, []byte("massage"), signature); !errors.Is(err, seal.ErrBadSignature) {
				t.Errorf("another message: %v", err)
			}

			altered := bytes.Replace(signature, []byte("A"), []byte("B"), 1)
			if _, err := seal.VerifySSH(allowed, []byte("message"), altered); err == nil {
				t.Error("an altered signature verifies")
			}
			other := []byte(seal.AllowedSigner(principal, keys(t).AuthorizedKey))
			if _, err := seal.VerifySSH(other, []byte("message"), signature); !errors.Is(err, seal.ErrUnknownSigner) || appbur.HintOf(err) == "" {
				t.Errorf("another key: %v", err)
			}
		})
	}
}

// OpenSSH accepts what we sign, and we accept what OpenSSH signs.
func TestSignaturesAgreeWithOpenSSH(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Fatal("ssh-keygen is needed, as git needs it to verify signatures: install openssh-client")
	}
	dir := t.TempDir()
	k := keys(t)
	s, err := seal.NewSigner(k.SigningKey)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	allowedText := []byte(seal.AllowedSigner(principal, k.AuthorizedKey))
	allowed := file("allowed", allowedText)

	verify := exec.Command("ssh-keygen", "-Y", "verify", "-n", "git", "-f", allowed, "-I", principal, "-s",
		file("ours.sig", sign(t, s, "message")))
	verify.Stdin = strings.NewReader("message")
	if out, err := verify.CombinedOutput(); err != nil {
		t.Errorf("ssh-keygen does not accept our signature: %v\n%s", err, out)
	}

	message := file("message", []byte("message"))
	for _, namespace := range []string{"git", "file"} {
		if out, err := exec.Command("ssh-keygen", "-Y", "sign", "-n", namespace, "-f", file("key", k.SigningKey),
			message).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
		theirs, err := os.ReadFile(message + ".sig")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(message + ".sig"); err != nil {
			t.Fatal(err)
		}
		got, err := seal.VerifySSH(allowedText, []byte("message"), theirs)
		if namespace == "git" && (err != nil || got != principal) {
			t.Errorf("OpenSSH's signature: %q, %v", got, err)
		}
		if namespace != "git" && !errors.Is(err, seal.ErrBadSignature) {
			t.Errorf("a signature for another namespace: %v", err)
		}
		// Ed25519 is deterministic, so that even the bytes agree.
		if ours := sign(t, s, "message"); namespace == "git" && !bytes.Equal(ours, theirs) {
			t.Errorf("other bytes:\n%s\n%s", ours, theirs)
		}
	}
}

func TestAllowedSigners(t *testing.T) {
	k := keys(t)
	s, err := seal.NewSigner(k.SigningKey)
	if err != nil {
		t.Fatal(err)
	}
	signature := sign(t, s, "m")

	for _, test := range []struct {
		name, line string
		want       string // principals, or "" for refusal
		malformed  bool
	}{
		{name: "plain", line: "a@b KEY", want: "a@b"},
		{name: "many", line: "a@b,c@d KEY comment", want: "a@b,c@d"},
		{name: "quoted", line: `"a b" KEY`, want: "a b"},
		{name: "tabs", line: "a@b\tKEY", want: "a@b"},
		{name: "namespace", line: `a namespaces="file,git" KEY`, want: "a"},
		{name: "pattern", line: `a namespaces="g?t" KEY`, want: "a"},
		{name: "star", line: `a namespaces="*" KEY`, want: "a"},
		{name: "other namespace", line: `a namespaces="file" KEY`},
		{name: "valid", line: `a valid-after="20260101Z",valid-before="20270101000000Z" KEY`, want: "a"},
		{name: "too early", line: `a valid-after="202702010000Z" KEY`},
		{name: "too late", line: `a valid-before="20260101Z" KEY`},
		{name: "nobody", line: "# a KEY"},
		{name: "authority", line: "a cert-authority KEY", malformed: true},
		{name: "negated", line: `a namespaces="!git,*" KEY`, malformed: true},
		{name: "local time", line: `a valid-after="20260101" KEY`, malformed: true},
		{name: "no key", line: "a@b", malformed: true},
		{name: "open quote", line: `"a KEY`, malformed: true},
		{name: "bad key", line: "a ssh-ed25519 AAAA", malformed: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			signers, err := seal.ParseAllowedSigners([]byte("\n" + strings.ReplaceAll(test.line, "KEY", k.AuthorizedKey) + "\n"))
			if test.malformed {
				if !errors.Is(err, seal.ErrFormat) {
					t.Errorf("%v, want ErrFormat", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := signers.Verify([]byte("m"), signature, when)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("%q, %v; want %q", got, err, test.want)
			}
			if strings.Contains(test.line, "valid-") {
				if _, err := signers.Verify([]byte("m"), signature, time.Time{}); !errors.Is(err, seal.ErrUnknownSigner) {
					t.Errorf("without a time: %v, want ErrUnknownSigner", err)
				}
			}
		})
	}
}

func TestLimitSigner(t *testing.T) {
	k, other := keys(t), keys(t)
	line := strings.TrimSpace(seal.AllowedSigner(principal, k.AuthorizedKey))
	before := when.Add(time.Second)
	limited := `namespaces="git",valid-before="20261121030239Z" ` + k.AuthorizedKey + "\n"

	rest := "# whom we trust\n" + seal.AllowedSigner("b@example.com", other.AuthorizedKey)
	for name, test := range map[string]struct{ file, want string }{
		"own line":               {rest + line + "\n", rest + principal + " " + limited},
		"no last newline":        {rest + line, rest + principal + " " + limited},
		"not listed":             {rest, rest + principal + " " + limited},
		"not listed, no newline": {strings.TrimSuffix(rest, "\n"), rest + principal + " " + limited},
		"empty":                  {"", principal + " " + limited},
		"limited already": {
			principal + ` namespaces="git",valid-before="20260101Z" ` + k.AuthorizedKey,
			principal + ` namespaces="git",valid-before="20260101000000Z" ` + k.AuthorizedKey + "\n",
		},
		"limited later": {principal + ` namespaces="git",valid-before="20300101Z" ` + k.AuthorizedKey, principal + " " + limited},
		"quoted, valid": {
			`"a b" valid-after="20200101Z" ` + k.AuthorizedKey,
			`"a b" valid-after="20200101000000Z",valid-before="20261121030239Z" ` + k.AuthorizedKey + "\n",
		},
		"a limit in seconds": {principal + " " + k.AuthorizedKey, principal + ` valid-before="20261121030239Z" ` + k.AuthorizedKey + "\n"},
	} {
		got, err := seal.LimitSigner([]byte(test.file), principal, k.AuthorizedKey, before)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, test.want)
			continue
		}
		again, err := seal.LimitSigner(got, principal, k.AuthorizedKey, before.Add(time.Hour))
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s: limited again, %v\n%s", name, err, again)
		}
		if _, err := seal.ParseAllowedSigners(got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	if got, err := seal.LimitSigner([]byte("somebody@example.com no-key\n"), principal, k.AuthorizedKey, before); !errors.Is(err,
		seal.ErrFormat) {
		t.Errorf("a file that cannot be read: %v\n%s", err, got)
	}
	if _, err := seal.LimitSigner(nil, principal, "no key", before); !errors.Is(err, seal.ErrFormat) {
		t.Errorf("bad key: %v", err)
	}
}
