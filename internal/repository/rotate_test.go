package repository

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// load reads a point and returns its objects by path.
func (f *fixture) load(ref PointRef, opener *seal.Opener) (map[string]map[string]any, error) {
	loaded, err := f.repo.Load(f.Context(), ref, opener)
	if err != nil {
		return nil, err
	}
	objects := map[string]map[string]any{}
	for _, object := range loaded.Objects {
		if object.Sealed || len(object.Secrets) == 0 {
			f.Errorf("%s: sealed is %v, secrets are %v", object.ID, object.Sealed, object.Secrets)
		}
		objects[object.ID.Path()] = object.Content
	}
	return objects, nil
}

func wantObjects(t testing.TB, f *fixture) map[string]map[string]any {
	t.Helper()
	want := map[string]map[string]any{}
	for i, result := range f.results() {
		want[result.Manifest.ID.Path()] = fixtureObjects()[i]
	}
	return want
}

func (f *fixture) mustLoad(ref PointRef, opener *seal.Opener) {
	f.Helper()
	got, err := f.load(ref, opener)
	if err != nil {
		f.Fatal(err)
	}
	if diff := cmp.Diff(wantObjects(f, f), got); diff != "" {
		f.Errorf("(-want +got):\n%s", diff)
	}
}

// noCanary looks for the secret values in every object that git has.
func (f *fixture) noCanary() {
	f.Helper()
	all := f.git("cat-file", "--batch-all-objects", "--batch", "--unordered")
	for _, text := range []string{canary, "Q0FOQVJZ"} {
		if strings.Contains(all, text) {
			f.Errorf("%s is in clear in the repository", text)
		}
	}
}

func TestEachRecipientAloneOpens(t *testing.T) {
	first, firstOpener := newKeys(t)
	second, secondOpener := newKeys(t)
	f := newFixture(t, first.Recipient, second.Recipient)
	point := f.point()
	for _, opener := range []*seal.Opener{f.opener(), firstOpener, secondOpener} {
		f.mustLoad(point, opener)
	}
	_, stranger := newKeys(t)
	if _, err := f.load(point, stranger); !errors.Is(err, seal.ErrNoIdentityMatch) {
		t.Errorf("a stranger: %v", err)
	}
	f.noCanary()
}

func TestRotateRecipients(t *testing.T) {
	f := newFixture(t)
	next, nextOpener := newKeys(t)
	old, oldPoint := f.opener(), f.point()
	done := f.mustRotate(old, Rotation{Add: []string{next.Recipient}, Remove: old.Recipients()})
	if !done.Committed || done.Resealed != 3 || !slices.Equal(done.Recipients, []string{next.Recipient}) ||
		!slices.Equal(done.Points, []appbur.RestorePointID{oldPoint.ID}) {
		t.Errorf("got %+v", done)
	}
	if got := f.git("log", "-1", "--format=%s%n%b", "main"); !strings.Contains(got, "+ recipient "+next.Recipient) ||
		!strings.Contains(got, "- recipient "+old.Recipients()[0]) || !strings.Contains(got, "Appbur-Rotation: recipients=1 sealed=3") {
		t.Errorf("the commit says\n%s", got)
	}
	f.git("-c", "gpg.ssh.allowedSignersFile="+filepath.Join(f.keysDir, keyring.AllowedSignersFile), "verify-commit", "main")

	f.reopen()
	if again := f.backup(); again.Committed {
		t.Errorf("the next backup commits:\n%s", f.git("show", "--stat", "main"))
	}
	f.time = f.time.Add(time.Minute)
	newPoint := f.point()
	f.mustLoad(newPoint, nextOpener)
	if _, err := f.load(newPoint, old); !errors.Is(err, seal.ErrNoIdentityMatch) {
		t.Errorf("the removed identity opens what was made after: %v", err)
	}
	// History is as it was.
	f.mustLoad(oldPoint, old)
	if _, err := f.load(oldPoint, nextOpener); !errors.Is(err, seal.ErrNoIdentityMatch) {
		t.Errorf("the new identity opens what was made before: %v", err)
	}
	f.git("fsck", "--strict")
	f.noCanary()
}

// Any identity that opens main can rotate: first somebody is added, then that person
// adds another one and removes the first.
func TestRotateTwice(t *testing.T) {
	f := newFixture(t)
	f.point()
	own := f.opener()
	second, secondOpener := newKeys(t)
	f.mustRotate(own, Rotation{Add: []string{second.Recipient}})
	f.reopen()
	third, thirdOpener := newKeys(t)
	f.time = f.time.Add(time.Minute)
	f.mustRotate(secondOpener, Rotation{Add: []string{third.Recipient}, Remove: own.Recipients()})
	f.reopen()
	if again := f.backup(); again.Committed {
		t.Error("the next backup commits")
	}
	f.time = f.time.Add(time.Minute)
	point := f.point()
	f.mustLoad(point, secondOpener)
	f.mustLoad(point, thirdOpener)
}

func TestRotateIdentity(t *testing.T) {
	f := newFixture(t)
	old, oldPoint := f.opener(), f.point()
	identity := filepath.Join(f.keysDir, keyring.IdentityFile)
	before, err := os.ReadFile(identity)
	if err != nil {
		t.Fatal(err)
	}
	done := f.mustRotate(old, Rotation{Identity: true, Remove: old.Recipients()})
	after, err := os.ReadFile(identity)
	if err != nil || !bytes.HasPrefix(after, before) {
		t.Errorf("the old identity is gone (%v)", err)
	}

	info, err := os.Stat(identity)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("identity.txt: %v, %v", info.Mode(), err)
	}
	if got := f.opener().Recipients(); len(got) != 2 || got[1] != done.Recipient {
		t.Errorf("the file opens for %v", got)
	}

	f.reopen()
	f.time = f.time.Add(time.Minute)
	newPoint := f.point()
	f.mustLoad(oldPoint, f.opener())
	f.mustLoad(newPoint, f.opener())
	if _, err := f.load(newPoint, old); !errors.Is(err, seal.ErrNoIdentityMatch) {
		t.Errorf("the old identity alone: %v", err)
	}

	// Where the identity was moved away, the file is made anew.
	if err := os.Remove(identity); err != nil {
		t.Fatal(err)
	}
	opener, err := seal.NewOpener(string(after))
	if err != nil {
		t.Fatal(err)
	}
	f.mustRotate(opener, Rotation{Identity: true})
	if got := f.opener().Recipients(); len(got) != 1 {
		t.Errorf("the new file opens for %v", got)
	}
}

func TestRotateFingerprintKey(t *testing.T) {
	f := newFixture(t)
	f.point()
	stale := f.keys.FingerprintKey()
	tip := f.git("rev-parse", "main")
	done := f.mustRotate(f.opener(), Rotation{Fingerprint: true})
	if !done.Committed || done.Resealed != 3 || len(done.Points) != 0 {
		t.Errorf("got %+v", done)
	}

	f.reopen()
	if bytes.Equal(f.keys.FingerprintKey(), stale) {
		t.Error("the key is the same")
	}
	if again := f.backup(); again.Committed {
		t.Error("the next backup commits")
	}

	// Nothing but ciphertext changed.
	if files := f.git("diff", "--name-only", strings.TrimSpace(tip), "main"); strings.Contains(files, appbur.RepositoryFile) {
		t.Errorf("changed:\n%s", files)
	}
	f.time = f.time.Add(time.Minute)
	f.mustLoad(f.point(), f.opener())
}

func TestRotateSigningKey(t *testing.T) {
	f := newFixture(t)
	oldKeys, oldPoint := f.keys, f.point()
	stolen := *oldKeys
	tip := f.git("rev-parse", "main")
	done := f.mustRotate(nil, Rotation{Signing: true}) // needs no identity
	if done.Committed || done.SigningKey == "" || strings.TrimSpace(tip) != done.Commit.String() {
		t.Errorf("got %+v", done)
	}

	f.reopen()
	if f.keys.Signer().AuthorizedKey() == stolen.Signer().AuthorizedKey() {
		t.Error("the key is the same")
	}
	f.time = f.time.Add(time.Minute)
	newPoint := f.point()
	trusted, err := keyring.TrustRoot(f.keysDir, "")
	if err != nil {
		t.Fatal(err)
	}

	for _, ref := range []PointRef{oldPoint, newPoint} {
		if principal, err := f.repo.Verify(ref, trusted); err != nil || principal != keyring.Principal {
			t.Errorf("%s: %q, %v", ref.ID, principal, err)
		}
		allowed := "gpg.ssh.allowedSignersFile=" + filepath.Join(f.keysDir, keyring.AllowedSignersFile)
		f.git("-c", allowed, "verify-tag", ref.ID.Tag())
		f.git("-c", allowed, "verify-commit", ref.Commit.String())
	}

	// What the old key signs from now on counts no more, for appbur and for git.
	f.keys = &stolen
	f.time = f.time.Add(time.Minute)
	forged := f.point()
	if _, err := f.repo.Verify(forged, trusted); !errors.Is(err, ErrUntrusted) || !errors.Is(err, seal.ErrUnknownSigner) {
		t.Errorf("the old key still signs: %v", err)
	}
	if out, err := f.tryGit("-c", "gpg.ssh.allowedSignersFile="+filepath.Join(f.keysDir, keyring.AllowedSignersFile), "verify-tag",
		forged.ID.Tag()); err == nil {
		t.Errorf("git believes the old key:\n%s", out)
	}

	// Once more: the first key keeps its limit, the second gets one.
	f.reopen()
	f.mustRotate(nil, Rotation{Signing: true})
	f.reopen()
	if trusted, err = keyring.TrustRoot(f.keysDir, ""); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(trusted), "valid-before="); got != 2 {
		t.Errorf("%d limits in\n%s", got, trusted)
	}

	for _, ref := range []PointRef{oldPoint, newPoint} {
		if _, err := f.repo.Verify(ref, trusted); err != nil {
			t.Errorf("%s: %v", ref.ID, err)
		}
	}
}

func TestRotationsThatAreRefused(t *testing.T) {
	f := newFixture(t)
	f.point()
	own, recipient := f.opener(), f.repo.Config().Recipients[0]
	next, stranger := newKeys(t)
	tip, identities := f.git("rev-parse", "main"), len(own.Recipients())
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }

	hinted := func(err error) bool { return err != nil && nextStep(err) != "" }
	for name, test := range map[string]struct {
		opener *seal.Opener
		change Rotation
		want   func(error) bool
	}{
		"nothing":          {own, Rotation{}, is(ErrRotation)},
		"nobody left":      {own, Rotation{Remove: []string{recipient}}, is(ErrRotation)},
		"no recipient":     {own, Rotation{Remove: []string{next.Recipient}}, is(ErrRotation)},
		"added, removed":   {own, Rotation{Add: []string{next.Recipient}, Remove: []string{next.Recipient}}, is(ErrRotation)},
		"no public key":    {own, Rotation{Add: []string{"age1x"}}, hinted},
		"another identity": {stranger, Rotation{Add: []string{next.Recipient}, Identity: true}, is(seal.ErrNoIdentityMatch)},
		"no identity": {nil, Rotation{Fingerprint: true}, func(err error) bool {
			var key *keyring.Error
			return errors.As(err, &key) && hinted(err)
		}},
	} {
		done, err := f.rotate(test.opener, test.change)
		if !test.want(err) {
			t.Errorf("%s: %v (%+v)", name, err, done)
		}
	}

	if f.git("rev-parse", "main") != tip || len(f.opener().Recipients()) != identities {
		t.Error("a refused rotation changed something")
	}
	if _, err := Create(t.Context(), filepath.Join(t.TempDir(), "x.git"), t.TempDir(), "", []string{"age1x"}, rand.Reader,
		f.now); err == nil || nextStep(err) == "" {
		t.Errorf("a repository for a recipient that is none: %v", err)
	}
}

// One damaged file stops the rotation as a whole.
func TestRotateStopsAtADamagedFile(t *testing.T) {
	f := newFixture(t)
	f.point()
	tip, err := gitsync.ParseHash(strings.TrimSpace(f.git("rev-parse", "main")))
	if err != nil {
		t.Fatal(err)
	}

	edit, err := f.repo.git.Edit(tip)
	if err != nil {
		t.Fatal(err)
	}
	path := "namespaces/team/secret/db.yaml"
	data, err := edit.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := edit.Put(path, bytes.Replace(data, []byte("name: db"), []byte("name: dc"), 1)); err != nil {
		t.Fatal(err)
	}
	if tip, err = f.repo.git.Commit(t.Context(), gitsync.MainRef, edit,
		gitsync.CommitInfo{Author: identity, Committer: identity, Time: f.now(), Subject: "damage"}); err != nil {
		t.Fatal(err)
	}

	next, _ := newKeys(t)
	if _, err := f.rotate(f.opener(), Rotation{Add: []string{next.Recipient}}); !errors.Is(err, seal.ErrTampered) ||
		!strings.Contains(err.Error(), path) {
		t.Errorf("%v, want ErrTampered that names the file", err)
	}
	if got := strings.TrimSpace(f.git("rev-parse", "main")); got != tip.String() {
		t.Error("main moved")
	}
}

// A writer that began before a rotation seals for the old recipients. It must not
// commit.
func TestRotationStopsEarlierWriters(t *testing.T) {
	f := newFixture(t)
	f.point()
	writer := f.begin()
	next, _ := newKeys(t)
	f.mustRotate(f.opener(), Rotation{Add: []string{next.Recipient}, Remove: f.opener().Recipients()})
	result := f.results()[0]
	result.Manifest.Data = append(bytes.Clone(result.Manifest.Data), "zz: new\n"...)
	if err := writer.Put(result); err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Commit(t.Context(), f.now(), appbur.Coverage{}); !errors.Is(err, gitsync.ErrRefMoved) {
		t.Errorf("%v, want ErrRefMoved", err)
	}
}

// Recipients that people commented in appbur.yaml keep their comments.
func TestRotateKeepsWhatPeopleWrote(t *testing.T) {
	c, err := ParseConfig([]byte(edited))
	if err != nil {
		t.Fatal(err)
	}
	if c.Recipients, err = (Rotation{Add: []string{"age1third"}, Remove: []string{"age1second"}}).recipients(c.Recipients); err != nil {
		t.Fatal(err)
	}
	text, err := c.encode()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "  - age1first # operations\n  - age1third\n") {
		t.Errorf("written as\n%s", text)
	}
}
