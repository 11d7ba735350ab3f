package repository

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// guessable is a payload that can be guessed by its digest.
var guessable = []byte(`{"id":1,"pin":"0000"}` + "\n")

func (f *fixture) sealedDigest(ref PointRef) []byte {
	f.Helper()
	d := f.describe(ref).Apps[0].Datasets[0]
	if !d.Digest.IsZero() || len(d.SealedDigest) == 0 {
		f.Fatalf("the point says %+v", d)
	}
	return d.SealedDigest
}

// Nothing in Git shows the digest of a sensitive payload, in any form that it has
// there when the dataset is not sensitive.
func TestDigestsOfSensitivePayloadsAreSealed(t *testing.T) {
	digest := appbur.DigestOf(guessable)
	shown := func(d appbur.Dataset) (forms []string) {
		f := newFixture(t)
		f.save(d, guessable)
		objects := f.git("cat-file", "--batch-all-objects", "--batch", "--buffer")
		for _, form := range []string{digest.String(), digest.Short(), string(digest[:])} {
			if strings.Contains(objects, form) {
				forms = append(forms, form)
			}
		}
		return forms
	}
	if forms := shown(secretDataset); len(forms) > 0 {
		t.Errorf("Git holds %q", forms)
	}
	if forms := shown(growthDataset); len(forms) != 2 {
		t.Errorf("of a plain dataset Git holds %q: the test shows nothing", forms)
	}
}

// The sealed digest stays while the payload does, on a machine that cannot decrypt,
// also of an empty payload and beyond a point without the application.
func TestSealedDigestsAreStable(t *testing.T) {
	for name, payload := range map[string][]byte{"a row": guessable, "empty": nil} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			opener := f.opener()
			if err := os.Remove(filepath.Join(f.keysDir, keyring.IdentityFile)); err != nil {
				t.Fatal(err)
			}
			first := f.save(secretDataset, payload)
			f.time = f.time.Add(time.Hour)
			f.point()
			f.reopen()

			again := f.save(secretDataset, payload)
			if !bytes.Equal(f.sealedDigest(first), f.sealedDigest(again)) {
				t.Error("the digest was sealed anew")
			}
			other := f.save(secretDataset, append(guessable, `{"id":2}`+"\n"...))
			if bytes.Equal(f.sealedDigest(again), f.sealedDigest(other)) || len(f.sealedDigest(again)) != len(f.sealedDigest(other)) {
				t.Error("another payload has the same sealed digest, or one of another length")
			}
			if got := f.payload(again, opener); !bytes.Equal(got, payload) {
				t.Errorf("%q came back", got)
			}

			for _, test := range []struct {
				to      PointRef
				changes int
			}{{again, 0}, {other, 1}} {
				if changes, err := f.repo.DiffDatasets(first, test.to); err != nil || len(changes) != test.changes {
					t.Errorf("%+v, %v", changes, err)
				}
			}
		})
	}
}

// Who can decrypt has the digest, as it was exported; who cannot has none.
func TestLoadOpensDigests(t *testing.T) {
	f := newFixture(t)
	ref := f.save(secretDataset, guessable)

	for _, test := range []struct {
		opener *seal.Opener
		want   appbur.Digest
	}{{nil, appbur.Digest{}}, {f.opener(), appbur.DigestOf(guessable)}} {
		loaded, err := f.repo.Load(t.Context(), ref, test.opener)
		if err != nil {
			t.Fatal(err)
		}
		if got := loaded.Meta.Apps[0].Datasets[0].Digest; got != test.want {
			t.Errorf("the digest is %s, want %s", got, test.want)
		}
	}

	if _, stranger := newKeys(t); true {
		if _, err := f.repo.Load(t.Context(), ref, stranger); !errors.Is(err, seal.ErrNoIdentityMatch) || nextStep(err) == "" {
			t.Errorf("somebody else loads it: %v", err)
		}
	}
}

// A description as Describe returns it suffices for reading, and what is read is
// checked against the digest that was sealed, whatever the description says.
func TestSealedPayloadIsCheckedAsItIsRead(t *testing.T) {
	f := newFixture(t)
	other := f.save(secretDataset, append(guessable, guessable...))
	ref := f.save(secretDataset, guessable)
	loaded, err := f.repo.Load(t.Context(), ref, f.opener())
	if err != nil {
		t.Fatal(err)
	}
	key := loaded.Meta.Apps[0].AppKey

	for name, test := range map[string]struct {
		change func(*appbur.Dataset)
		good   bool
	}{
		"as it is":              {func(*appbur.Dataset) {}, true},
		"another digest":        {func(d *appbur.Dataset) { d.Digest[0] = 1 }, false},
		"another sealed digest": {func(d *appbur.Dataset) { d.SealedDigest = f.sealedDigest(other) }, false},
		"a damaged one":         {func(d *appbur.Dataset) { d.SealedDigest = append(bytes.Clone(d.SealedDigest), 0) }, false},
		"no sealed digest":      {func(d *appbur.Dataset) { d.SealedDigest = nil }, false},
		"no piece":              {func(d *appbur.Dataset) { d.Pieces = nil }, false},
	} {
		d := f.describe(ref).Apps[0].Datasets[0]
		test.change(&d)
		reader, err := loaded.Payload(key, d)
		if err == nil {
			_, err = io.Copy(io.Discard, reader)
		}
		if (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
		for _, digest := range []appbur.Digest{appbur.DigestOf(guessable), appbur.DigestOf(append(guessable, guessable...))} {
			if err != nil && strings.Contains(err.Error(), digest.Short()) {
				t.Errorf("%s: the error shows a digest: %v", name, err)
			}
		}
	}
}

// The check finds what is wrong with a sealed digest, with an identity and without.
func TestCheckLooksAtSealedDigests(t *testing.T) {
	for name, test := range map[string]struct {
		change          func(f *fixture, d *appbur.Dataset)
		without, within bool // found without an identity, and with one
	}{
		"nothing":     {func(*fixture, *appbur.Dataset) {}, false, false},
		"no age file": {func(_ *fixture, d *appbur.Dataset) { d.SealedDigest = []byte("x") }, true, true},
		"of other bytes": {func(f *fixture, d *appbur.Dataset) {
			d.SealedDigest = f.seal(appbur.DigestOf([]byte("other")).String(), f.repo.config.Recipients)
		}, false, true},
		"no digest": {func(f *fixture, d *appbur.Dataset) { d.SealedDigest = f.seal("0000", f.repo.config.Recipients) }, false, true},
		"too many recipients": {func(f *fixture, d *appbur.Dataset) {
			keys, _ := newKeys(f)
			d.SealedDigest = f.seal(appbur.DigestOf([]byte("{\"id\":1}\n{\"id\":2}\n")).String(),
				append([]string{keys.Recipient}, f.repo.config.Recipients...))
		}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			ref := f.fullPoint()
			f.remake(ref, func(_ *gitsync.Edit, p *appbur.RestorePoint) { test.change(f, datasetOf(p, "closed")) })
			if got := f.check(CheckOptions{}).has(findPayload); got != test.without {
				t.Errorf("without an identity: found is %v", got)
			}
			if got := f.check(CheckOptions{Opener: f.opener()}).has(findPayload); got != test.within {
				t.Errorf("with an identity: found is %v", got)
			}
		})
	}
}

func (f *fixture) seal(text string, recipients []string) []byte {
	f.Helper()
	sealer, err := seal.NewSealer(recipients, f.keys.FingerprintKey(), rand.Reader, f.now)
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := sealer.SealPiece([]byte(text), nil)
	if err != nil {
		f.Fatal(err)
	}
	return sealed
}

// A point of an earlier release has the digest in clear. It is read and checked as
// before, and the next point, of the same payload, does not differ from it.
func TestPlainDigestsOfEarlierReleasesAreRead(t *testing.T) {
	f := newFixture(t)
	old := f.save(secretDataset, guessable)
	make2 := func(digest appbur.Digest) {
		f.remake(old, func(edit *gitsync.Edit, p *appbur.RestorePoint) {
			p.Format, p.Apps[0].Datasets[0].SealedDigest = 2, nil
		}, func(text string) string {
			return strings.Replace(text, `"sensitive":true`, `"sensitive":true,"digest":"`+digest.String()+`"`, 1)
		})
		var err error
		if old, err = f.repo.Resolve(string(old.ID)); err != nil {
			t.Fatal(err)
		}
	}

	make2(appbur.DigestOf([]byte("other")))
	if !f.check(CheckOptions{Opener: f.opener()}).has(findPayload) {
		t.Error("a wrong digest is not found")
	}
	make2(appbur.DigestOf(guessable))
	if d := f.describe(old).Apps[0].Datasets[0]; d.Digest != appbur.DigestOf(guessable) {
		t.Fatalf("the old point says %+v", d)
	}
	if got := f.payload(old, f.opener()); !bytes.Equal(got, guessable) {
		t.Errorf("%q came back", got)
	}

	if f.check(CheckOptions{Opener: f.opener()}).has(findPayload) {
		t.Error("the old point does not pass the check")
	}
	f.time = f.time.Add(time.Hour)
	next := f.save(secretDataset, guessable)
	f.sealedDigest(next)
	if changes, err := f.repo.DiffDatasets(old, next); err != nil || len(changes) != 0 {
		t.Errorf("%+v, %v", changes, err)
	}
	other := f.save(secretDataset, append(guessable, guessable...))
	if changes, err := f.repo.DiffDatasets(old, other); err != nil || len(changes) != 1 {
		t.Errorf("%+v, %v", changes, err)
	}
}

// What an application says of a payload is compared with what was stored, and a
// difference is said without digests if the dataset is sensitive.
func TestOtherDigestIsSaidWithoutIt(t *testing.T) {
	for _, d := range []appbur.Dataset{secretDataset, growthDataset} {
		f := newFixture(t)
		writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
		if err != nil {
			t.Fatal(err)
		}
		defer writer.Discard()
		key := appbur.AppKey{Namespace: "shop", Name: "orders"}
		sink, err := writer.Dataset(key, d)
		if err != nil {
			t.Fatal(err)
		}

		_, err = sink.Write(guessable)
		if err := errors.Join(err, sink.Close()); err != nil {
			t.Fatal(err)
		}
		said := d
		said.Size, said.Digest, said.Sensitive = int64(len(guessable)), appbur.DigestOf([]byte("other")), false
		err = writer.Application(appbur.AppState{AppKey: key, Datasets: []appbur.Dataset{said}})
		if err == nil {
			t.Fatal("another digest was accepted")
		}
		if shown := strings.Contains(err.Error(), "sha256:"); shown == d.Sensitive {
			t.Errorf("sensitive is %v, the error is %v", d.Sensitive, err)
		}
	}
}
