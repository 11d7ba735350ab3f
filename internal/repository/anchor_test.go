package repository

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
)

func (f *fixture) anchor(path string) *SignedAnchor {
	f.Helper()
	if _, _, err := f.repo.WriteAnchor(path, f.keys, f.now()); err != nil {
		f.Fatal(err)
	}
	a, _, err := ReadAnchor(path)
	if err != nil {
		f.Fatal(err)
	}
	return a
}

// An anchor is verified by appbur and, cut in two, by ssh-keygen.
func TestAnchor(t *testing.T) {
	f := newFixture(t)
	ref := f.point()
	path := filepath.Join(t.TempDir(), "a")
	a := f.anchor(path)
	if len(a.Points) != 1 || a.Points[0].ID != ref.ID || a.Cluster != fixtureCluster.ID || a.Repository != string(f.repo.Config().Repository) {
		t.Errorf("%+v", a.Anchor)
	}
	if principal, err := a.Verify(f.trusted()); err != nil || principal != keyring.Principal {
		t.Errorf("%q %v", principal, err)
	}

	if err := os.WriteFile(path+".sig", a.signature, 0o600); err != nil {
		t.Fatal(err)
	}
	verify := exec.Command("ssh-keygen", "-Y", "verify", "-f", filepath.Join(f.keysDir, keyring.AllowedSignersFile),
		"-I", keyring.Principal, "-n", "git", "-s", path+".sig")
	verify.Stdin = bytes.NewReader(a.payload)
	if out, err := verify.CombinedOutput(); err != nil {
		t.Errorf("ssh-keygen: %v: %s", err, out)
	}
	s, err := f.repo.VerifyTrust(ref, Trust{KeysDir: f.keysDir, Signers: f.trusted(), Anchor: a})
	if err != nil || s.Anchored == "" {
		t.Errorf("%+v %v", s, err)
	}
}

func TestAnchorTellsWhatBecameOfTheHistory(t *testing.T) {
	for _, test := range []struct {
		name   string
		happen func(*fixture, PointRef)
		want   error
		gone   int
	}{
		{"nothing", func(*fixture, PointRef) {}, nil, 0},
		{"it goes on", func(f *fixture, _ PointRef) { f.change("2") }, nil, 0},
		{"a point was pruned", func(f *fixture, p PointRef) { f.git("tag", "-d", p.ID.Tag()) }, nil, 1},
		{"it was cut off", func(f *fixture, _ PointRef) { f.git("update-ref", "refs/heads/main", "main~1") }, ErrRewritten, 0},
		{"a point was made anew", func(f *fixture, p PointRef) {
			f.git("tag", "-d", p.ID.Tag())
			f.git("-c", "user.name=eve", "-c", "user.email=e@example.com", "tag", "-am", "x", p.ID.Tag(), p.Commit.String())
		}, ErrRewritten, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			ref := f.point()
			f.change("1")
			path := filepath.Join(t.TempDir(), "a")
			a := f.anchor(path)
			test.happen(f, ref)

			// A machine that remembers nothing, to leave the anchor alone with it.
			_ = os.Remove(filepath.Join(f.keysDir, keyring.SeenFile))
			f.reopen()
			gone, err := f.repo.Contains(a.Anchor)
			if !errors.Is(err, test.want) || len(gone) != test.gone {
				t.Errorf("%v, %v", gone, err)
			}

			report := f.check(CheckOptions{Anchor: a})
			if report.has(findAnchor) != (test.want != nil) {
				t.Errorf("check: %+v", report.Findings)
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = f.repo.WriteAnchor(path, f.keys, f.now())
			after, readErr := os.ReadFile(path)
			if !errors.Is(err, test.want) || readErr != nil || test.want != nil && !bytes.Equal(before, after) {
				t.Errorf("writing over it: %v %v", err, readErr)
			}
		})
	}
}

// In a directory nothing is replaced, and the newest complete one counts.
func TestAnchorsInADirectory(t *testing.T) {
	f := newFixture(t)
	dir := t.TempDir()
	first := f.anchor(dir)
	f.time = f.time.Add(time.Minute)
	f.change("1")
	second := f.anchor(dir)
	if names, err := filepath.Glob(dir + "/*"); err != nil || len(names) != 2 || first.Main == second.Main {
		t.Errorf("%v %v", names, err)
	}
	if err := os.WriteFile(dir+"/29990101T000000Z-dead.anchor", []byte(anchorMagic), 0o644); err != nil {
		t.Fatal(err)
	}
	if a, _, err := ReadAnchor(dir); err != nil || a.Main != second.Main {
		t.Errorf("%+v %v", a, err)
	}
}

func TestWriteAnchorReplacesNothingElse(t *testing.T) {
	f, other := newFixture(t), newFixture(t)
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, []byte("my diary\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.repo.WriteAnchor(path, f.keys, f.now()); !errors.Is(err, ErrAnchor) {
		t.Errorf("over another file: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}

	a := other.anchor(path)
	if _, _, err := f.repo.WriteAnchor(path, f.keys, f.now()); !errors.Is(err, ErrAnchor) {
		t.Errorf("over the anchor of another repository: %v", err)
	}
	if _, err := a.Verify(f.trusted()); !errors.Is(err, ErrUntrusted) {
		t.Errorf("signed by somebody else: %v", err)
	}
	a.payload = bytes.Replace(a.payload, []byte("main "), []byte("main f"), 1)
	if _, err := a.Verify(other.trusted()); !errors.Is(err, ErrUntrusted) {
		t.Errorf("changed: %v", err)
	}
}

// An anchor has one form: what parses is what is written.
func FuzzParseAnchor(f *testing.F) {
	hash := gitsync.Hash(bytes.Repeat([]byte{0xaa}, 20))
	a := Anchor{
		Repository: "0123456789abcdef", Cluster: "c1", Main: hash, Time: time.Unix(1e9, 0),
		Points: []AnchoredPoint{{"20261121T030238Z", hash}},
	}
	const signature = "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"
	f.Add(append(a.encode(), signature...))
	f.Add(append(Anchor{Repository: "r", Main: hash}.encode(), signature...))
	f.Add(a.encode())
	f.Add([]byte(anchorMagic + "\nrepository  \n" + signature))

	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseAnchor(data)
		if err != nil {
			if !errors.Is(err, ErrAnchor) {
				t.Fatal(err)
			}
			return
		}
		if again := append(s.encode(), s.signature...); !bytes.Equal(again, data) {
			t.Errorf("%q became %q", data, again)
		}
		for _, p := range s.Points {
			if _, err := appbur.ParseRestorePointID(string(p.ID)); err != nil {
				t.Error(err)
			}
		}
		_, _ = s.Verify(nil)
	})
}
