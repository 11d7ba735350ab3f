package repository

import (
	"crypto/rand"
	"errors"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
)

// latest is what a command does that is asked for the latest point.
func (f *fixture) latest(anchor *SignedAnchor) (PointRef, error) {
	f.Helper()
	ref, _, err := f.repo.ResolveLatest(Latest, f.trusted())
	if err != nil && !errors.Is(err, ErrNoPoint) {
		f.Fatal(err)
	}
	return ref, f.repo.CheckLatest(ref, f.keysDir, anchor)
}

func (f *fixture) rememberLatest() {
	f.Helper()
	ref, err := f.latest(nil)
	if err == nil {
		err = f.repo.RememberPoint(f.keysDir, ref, f.now())
	}
	if err != nil {
		f.Fatal(err)
	}
}

// Who takes the newest tags away must not make an older point the latest.
func TestNewestTagsTakenAway(t *testing.T) {
	f := newFixture(t)
	old, newest := f.mark("a"), f.mark("a")
	f.rememberLatest()
	f.rememberLatest()
	if list, err := keyring.ReadSeen(f.keysDir); err != nil || len(list) != 2 {
		t.Errorf("remembered are %v, %v", list, err)
	}
	signed := f.git("rev-parse", "refs/tags/"+newest.Tag())

	f.git("update-ref", "-d", "refs/tags/"+newest.Tag())
	if ref, err := f.latest(nil); !errors.Is(err, ErrRewritten) || nextStep(err) == "" {
		t.Errorf("latest is %s, %v", ref.ID, err)
	}
	if report := f.check(CheckOptions{}); !report.has(findHistory) {
		t.Errorf("the check says nothing: %+v", report.Findings)
	}
	writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Discard()
	if len(writer.Notices()) != 1 {
		t.Errorf("a backup does not tell of it: %q", writer.Notices())
	}
	// Nor may another tag stand in its place.
	f.git("update-ref", "refs/tags/"+newest.Tag(), old.Tag())
	if _, err := f.latest(nil); !errors.Is(err, ErrRewritten) {
		t.Errorf("replaced: %v", err)
	}
	f.git("update-ref", "refs/tags/"+newest.Tag(), signed[:40])
	if ref, err := f.latest(nil); err != nil || ref.ID != newest {
		t.Errorf("given back: %v, %v", ref.ID, err)
	}
	for _, id := range []appbur.RestorePointID{old, newest} {
		f.git("update-ref", "-d", "refs/tags/"+id.Tag())
	}
	if _, err := f.latest(nil); !errors.Is(err, ErrRewritten) {
		t.Errorf("all taken away: %v", err)
	}
}

// An anchor shows it to a machine that never saw the repository.
func TestAnchoredTagsTakenAway(t *testing.T) {
	f := newFixture(t)
	f.mark("a")
	newest := f.mark("a")
	a, err := f.repo.Anchor(f.keys, f.now())
	if err != nil {
		t.Fatal(err)
	}
	f.git("update-ref", "-d", "refs/tags/"+newest.Tag())
	if _, err := f.latest(&SignedAnchor{Anchor: a}); !errors.Is(err, ErrRewritten) {
		t.Errorf("the error is %v", err)
	}
	// A newer point makes up for it: retention may have taken the other one.
	f.mark("a")
	if _, err := f.latest(&SignedAnchor{Anchor: a}); err != nil {
		t.Error(err)
	}
}

// What was deleted here on purpose is no alarm.
func TestDeletedPointsAreNotMissed(t *testing.T) {
	f := newFixture(t)
	old, newest := f.mark("a"), f.mark("a")
	f.rememberLatest()
	if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{newest}, f.trusted(), false); err != nil {
		t.Fatal(err)
	}
	if ref, err := f.latest(nil); err != nil || ref.ID != old {
		t.Errorf("latest is %s, %v", ref.ID, err)
	}
}
