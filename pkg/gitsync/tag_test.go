package gitsync_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

const signerName = "appbur@example.com"

// signer returns an SSH signer and its line of an allowed signers file.
func signer(t *testing.T) (*seal.Signer, string) {
	t.Helper()
	keys, err := seal.GenerateKeys(rand.Reader, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.NewSigner(keys.SigningKey)
	if err != nil {
		t.Fatal(err)
	}
	return s, seal.AllowedSigner(signerName, keys.AuthorizedKey)
}

func tagInfo(message string, s gitsync.Signer) gitsync.TagInfo {
	return gitsync.TagInfo{Message: message, Tagger: gitsync.Person{Name: "appbur", Email: signerName}, Time: when, Signer: s}
}

func TestSignedRestorePointIsVerifiedByStockGit(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Fatal("git needs ssh-keygen to verify signatures: install openssh-client")
	}
	r := newRepository(t)
	s, line := signer(t)
	allowed := filepath.Join(t.TempDir(), "allowed")
	if err := os.WriteFile(allowed, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "cluster/namespace/a.yaml", "kind: Namespace\n")
	signed := info("signed")
	signed.Signer = s
	signed.Trailers = []gitsync.Trailer{{Key: "Cluster-Id", Value: "1"}}
	head, err := r.Commit(t.Context(), gitsync.MainRef, e, signed)
	if err != nil {
		t.Fatal(err)
	}
	put(t, e, "coverage.json", "{}\n")
	packs := len(glob(t, r, "*.pack"))
	child, tag, err := r.CommitAndTag(t.Context(), "restore-points/20261121T030238Z", e, head, signed,
		tagInfo("Restore point\n\nComplete.\n", s))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(glob(t, r, "*.pack")); n != packs+1 {
		t.Errorf("%d packs for a restore point, want 1", n-packs)
	}
	fsck(t, r.Dir())
	git(t, r.Dir(), "config", "gpg.ssh.allowedSignersFile", allowed)
	for _, args := range [][]string{
		{"verify-commit", "main"},
		{"verify-commit", child.String()},
		{"verify-tag", "restore-points/20261121T030238Z"},
	} {
		if out := git(t, r.Dir(), args...); !strings.Contains(out, `Good "git" signature for `+signerName) {
			t.Errorf("git %v: %s", args, out)
		}
	}

	// main does not see the restore point; the restore point sees main.
	if tip, err := r.Tip(gitsync.MainRef); err != nil || tip != head {
		t.Errorf("main = %s, %v", tip, err)
	}
	want := map[string]string{"cluster/namespace/a.yaml": "kind: Namespace\n", "coverage.json": "{}\n"}
	if diff := cmp.Diff(want, contents(t, r, child)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	tags, err := r.Tags("restore-points/")
	if err != nil || len(tags) != 1 {
		t.Fatalf("tags = %v, %v", tags, err)
	}
	got := tags[0]
	if got.Name != "restore-points/20261121T030238Z" || got.Object != tag || got.Commit != child ||
		got.Message != "Restore point\n\nComplete.\n" || !got.Time.Equal(when) || got.Tagger.Email != signerName {
		t.Errorf("tag = %+v", got)
	}
	// We verify what stock git verifies, from the bytes that are stored.
	c, err := r.ReadCommit(child)
	if err != nil {
		t.Fatal(err)
	}
	for name, what := range map[string][2][]byte{"tag": {got.Payload, got.Signature}, "commit": {c.Payload, c.Signature}} {
		if p, err := seal.VerifySSH([]byte(line), what[0], what[1]); err != nil || p != signerName {
			t.Errorf("%s: %q, %v", name, p, err)
		}
		if _, err := seal.VerifySSH([]byte(line), append(bytes.Clone(what[0]), '\n'), what[1]); !errors.Is(err, seal.ErrBadSignature) {
			t.Errorf("%s: altered: %v", name, err)
		}
	}
	if c.Parents[0] != head {
		t.Errorf("parents = %v", c.Parents)
	}
}

func TestSignaturesOfStockGitAreRead(t *testing.T) {
	dir := t.TempDir()
	keys, err := seal.GenerateKeys(rand.Reader, "")
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, keys.SigningKey, 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "init", "-q", "-b", "main")

	git(t, dir, "config", "gpg.format", "ssh")
	git(t, dir, "config", "user.signingkey", key)
	git(t, dir, "commit", "-q", "--allow-empty", "-S", "-m", "stock")
	git(t, dir, "tag", "-s", "-m", "stock", "v1")
	git(t, dir, "tag", "light")
	bare := filepath.Join(t.TempDir(), "bare.git")
	git(t, dir, "clone", "-q", "--bare", dir, bare)
	r, err := gitsync.Open(bare)
	if err != nil {
		t.Fatal(err)
	}

	allowed := []byte(seal.AllowedSigner(signerName, keys.AuthorizedKey))
	tip, err := r.Tip(gitsync.MainRef)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.ReadCommit(tip)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := seal.VerifySSH(allowed, c.Payload, c.Signature); err != nil {
		t.Errorf("commit: %v", err)
	}
	tags, err := r.Tags("")
	if err != nil || len(tags) != 2 {
		t.Fatalf("tags = %v, %v", tags, err)
	}
	if tags[0].Name != "light" || !tags[0].Object.IsZero() || tags[0].Commit != tip || tags[0].Signature != nil {
		t.Errorf("lightweight tag = %+v", tags[0])
	}
	if _, err := seal.VerifySSH(allowed, tags[1].Payload, tags[1].Signature); err != nil {
		t.Errorf("tag: %v", err)
	}
}

func TestTagsDoNotMove(t *testing.T) {
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})
	put(t, e, "a", "1")
	head := commit(t, r, e, "first")
	if _, _, err := r.CommitAndTag(t.Context(), "p/1", e, head, info("point"), tagInfo("point", nil)); err != nil {
		t.Fatal(err)
	}
	again := edit(t, r, head)
	put(t, again, "b", "2")

	for _, state := range []string{"loose", "packed"} {
		_, _, err := r.CommitAndTag(t.Context(), "p/1", again, head, info("point"), tagInfo("point", nil))
		if !errors.Is(err, gitsync.ErrTagExists) || appbur.HintOf(err) == "" {
			t.Errorf("%s: %v, want ErrTagExists with a hint", state, err)
		}
		git(t, r.Dir(), "pack-refs", "--all")
	}

	for name, try := range map[string]func() error{
		"bad name": func() error {
			_, _, err := r.CommitAndTag(t.Context(), "p/..", again, head, info("x"), tagInfo("x", nil))
			return err
		},
		"no message": func() error {
			_, _, err := r.CommitAndTag(t.Context(), "p/2", again, head, info("x"), tagInfo(" ", nil))
			return err
		},
		"forged": func() error {
			_, _, err := r.CommitAndTag(t.Context(), "p/2", again, head, info("x"), tagInfo("x\n-----BEGIN SSH SIGNATURE-----\n", nil))
			return err
		},
		"no parent": func() error {
			_, _, err := r.CommitAndTag(t.Context(), "p/2", again, hash(t, strings.Repeat("1", 40)), info("x"), tagInfo("x", nil))
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}

	if tags, err := r.Tags("p/"); err != nil || len(tags) != 1 {
		t.Errorf("tags = %v, %v", tags, err)
	}
	fsck(t, r.Dir())
}
