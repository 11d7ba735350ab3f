package repository

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/appbur/appbur"
)

// A tag below restore-points/ that leads to no restore point hides no other, is never
// the latest, is kept by no rule and dropped by none, and can be deleted.
func TestUnreadablePoint(t *testing.T) {
	for name, forge := range map[string]func(f *fixture, good PointRef, tag string){
		"lightweight tag of main": func(f *fixture, _ PointRef, tag string) { f.git("tag", tag, "main") },
		"tag of a file": func(f *fixture, _ PointRef, tag string) {
			f.git("-c", "user.name=x", "-c", "user.email=x@example.com", "tag", "-m", "x", tag, "main:appbur.yaml")
		},
		"name of a file":        func(f *fixture, _ PointRef, tag string) { f.git("tag", tag, "main:appbur.yaml") },
		"copy of another point": func(f *fixture, good PointRef, tag string) { f.git("tag", tag, good.ID.Tag()) },
		"object that is not there": func(f *fixture, _ PointRef, tag string) {
			path := filepath.Join(f.repo.Dir(), "refs", "tags", filepath.FromSlash(tag))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				f.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("0123456789012345678901234567890123456789\n"), 0o644); err != nil {
				f.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			good := f.point()
			bad := appbur.NewRestorePointID(f.now().Add(time.Hour), 0)
			forge(f, good, bad.Tag())
			f.reopen()
			all, err := f.repo.Catalog(f.trusted())
			if err != nil || len(all.Refs) != 1 || len(all.Points) != 1 || all.Points[0].ID != good.ID || len(all.Unreadable) != 1 ||
				all.Unreadable[0].Ref.ID != bad {
				t.Fatalf("%+v, %v", all, err)
			}
			if err := all.Unreadable[0].Err; !errors.Is(err, ErrUnreadable) || nextStep(err) == "" {
				t.Errorf("%v has no hint", err)
			}

			for _, latest := range []string{Latest, LatestPartial} {
				if ref, err := f.repo.Resolve(latest); err != nil || ref.ID != good.ID {
					t.Errorf("%s is %v, %v", latest, ref.ID, err)
				}
			}

			_, passed, err := f.repo.ResolveLatest(Latest, f.trusted())
			if err != nil || len(passed) != 1 || passed[0].Ref.ID != bad {
				t.Errorf("passed over: %v, %v", passed, err)
			}
			ref, err := f.repo.Resolve(string(bad))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.repo.Load(t.Context(), ref, nil); !errors.Is(err, ErrUnreadable) {
				t.Errorf("load: %v", err)
			}

			// Backups and anchors go on.
			f.time = f.time.Add(2 * time.Hour)
			newer := f.point()
			if _, err := f.repo.Anchor(f.keys, f.now()); err != nil {
				t.Errorf("anchor: %v", err)
			}

			// It is no good point: the last good ones need protection all the same.
			if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{good.ID, newer.ID}, f.trusted(), false); !errors.Is(err,
				ErrLastGood) {
				t.Errorf("the good points: %v", err)
			}
			if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{bad, good.ID}, f.trusted(), false); err != nil {
				t.Fatal(err)
			}
			refs, err := f.repo.Points()
			if err != nil || len(refs) != 1 || slices.ContainsFunc(refs, func(r PointRef) bool { return r.ID == bad }) {
				t.Errorf("left: %v, %v", refs, err)
			}
		})
	}
}

// Nothing but bad tags: that is what is said.
func TestAllPointsUnreadable(t *testing.T) {
	f := newFixture(t)
	f.git("tag", "restore-points/20261121T030238Z", "main")
	f.git("tag", "restore-points/20261121T030239Z", "main")
	_, err := f.repo.Resolve(Latest)
	if !errors.Is(err, ErrNoPoint) || nextStep(err) == "" {
		t.Errorf("latest: %v", err)
	}
	if _, err := f.repo.Resolve(LatestPartial); !errors.Is(err, ErrNoPoint) {
		t.Errorf("latest-partial: %v", err)
	}
}

// A ref without any object cannot be deleted by compare-and-swap, and that is said.
func TestDamagedRefOfAPoint(t *testing.T) {
	f := newFixture(t)
	good := f.point()
	path := filepath.Join(f.repo.Dir(), "refs", "tags", "restore-points", "20270101T000000Z")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if ref, err := f.repo.Resolve(Latest); err != nil || ref.ID != good.ID {
		t.Errorf("latest is %v, %v", ref.ID, err)
	}
	if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{"20270101T000000Z"}, f.trusted(), false); !errors.Is(err,
		ErrUnreadable) || nextStep(err) == "" {
		t.Errorf("delete: %v", err)
	}
}
