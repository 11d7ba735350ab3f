package repository

import (
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// mark makes a point: "!" is partial, letters are applications without data.
func (f *fixture) mark(marks string) appbur.RestorePointID {
	f.Helper()
	f.time = f.time.Add(time.Hour)
	outcome := f.backup()
	writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
	if err != nil {
		f.Fatal(err)
	}

	content := PointContent{
		Created: f.now(), Cluster: fixtureCluster, Objects: outcome.Objects,
		Evidence: appbur.Evidence{Format: appbur.EvidenceFormat},
	}
	for _, mark := range marks {
		if mark == '!' {
			content.Coverage.Groups = []appbur.GroupFailure{{GroupVersion: "broken.example.com/v1", Reason: "no answer"}}
			continue
		}
		if err := writer.Application(appbur.AppState{AppKey: appbur.AppKey{Namespace: "team", Name: string(mark)}}); err != nil {
			f.Fatal(err)
		}
	}

	point, err := writer.Save(f.Context(), outcome.Commit, content)
	if err != nil {
		f.Fatal(err)
	}
	return point.ID
}

func (f *fixture) points() (list []appbur.RestorePointID) {
	f.Helper()
	refs, err := f.repo.Points()
	if err != nil {
		f.Fatal(err)
	}
	for _, ref := range refs {
		list = append(list, ref.ID)
	}
	return list
}

func TestDeletePoints(t *testing.T) {
	f := newFixture(t)
	onlyB := f.mark("b")
	f.retire(f.repo, "team/b")
	old, partial, newest := f.mark("a"), f.mark("a!"), f.mark("a")
	main := f.git("rev-parse", "main")

	for _, refused := range [][]appbur.RestorePointID{{onlyB}, {old, newest, onlyB}, {old, newest}} {
		if err := f.repo.DeletePoints(t.Context(), refused, f.trusted(), false); !errors.Is(err, ErrLastGood) || nextStep(err) == "" {
			t.Errorf("deleting %v: %v", refused, err)
		}
		if err := f.repo.MayDelete(refused, f.trusted()); !errors.Is(err, ErrLastGood) {
			t.Errorf("may delete %v: %v", refused, err)
		}
	}

	if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{newest, "20000101T000000Z"}, f.trusted(), true); !errors.Is(err,
		ErrNoPoint) {
		t.Errorf("deleting what is not there: %v", err)
	}
	if got := f.points(); len(got) != 4 {
		t.Fatalf("something was deleted: %v", got)
	}

	// An older good point takes the place of the newest.
	if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{newest}, f.trusted(), false); err != nil {
		t.Error(err)
	}
	f.git("pack-refs", "--all")
	if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{partial}, f.trusted(), false); err != nil {
		t.Error(err)
	}

	if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{onlyB}, f.trusted(), true); err != nil {
		t.Error(err)
	}
	if got := f.points(); !slices.Equal(got, []appbur.RestorePointID{old}) {
		t.Errorf("left are %v", got)
	}
	if now := f.git("rev-parse", "main"); now != main {
		t.Error("main moved")
	}
	f.git("fsck", "--strict")

	// What is gone is free to be collected, what is left is not.
	f.git("-c", "gc.pruneExpire=now", "gc", "-q", "--prune=now")
	f.reopen()
	if ref, err := f.repo.Resolve(Latest); err != nil || ref.ID != old {
		t.Errorf("%v, %v", ref.ID, err)
	} else if _, err := f.repo.Load(t.Context(), ref, nil); err != nil {
		t.Error(err)
	}
}

// A point that somebody moved meanwhile is not deleted, nor is anything else.
func TestDeletePointsComparesTags(t *testing.T) {
	f := newFixture(t)
	first, second := f.mark(""), f.mark("")
	d, err := f.repo.deletion([]appbur.RestorePointID{first}, f.trusted())
	if err != nil {
		t.Fatal(err)
	}
	f.git("update-ref", "-d", "refs/tags/"+second.Tag())
	// This deletion relied on the second point.
	gone, kept := d.refs()
	if err := f.repo.git.DeleteRefs(t.Context(), gone, kept); !errors.Is(err, gitsync.ErrRefMoved) {
		t.Errorf("the error is %v", err)
	}
	if got := f.points(); !slices.Equal(got, []appbur.RestorePointID{first}) {
		t.Errorf("left are %v", got)
	}
}

func TestLatest(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{Latest, LatestPartial} {
		if _, err := f.repo.Resolve(name); !errors.Is(err, ErrNoPoint) {
			t.Errorf("%s of nothing: %v", name, err)
		}
	}

	partial := f.mark("!")
	if _, err := f.repo.Resolve(Latest); !errors.Is(err, ErrNoPoint) {
		t.Errorf("a partial point is latest: %v", err)
	}
	complete := f.mark("")

	newest := f.mark("!")
	for name, want := range map[string]appbur.RestorePointID{
		Latest: complete, LatestPartial: newest, string(partial): partial,
		partial.Tag(): partial,
	} {
		if ref, err := f.repo.Resolve(name); err != nil || ref.ID != want {
			t.Errorf("%s is %v, %v; want %v", name, ref.ID, err, want)
		}
	}
}

func TestRetentionInConfig(t *testing.T) {
	const head = "format: 1\nrepository: 0011223344556677\nrecipients: [age1]\n"
	c, err := ParseConfig([]byte(head + "retention: {last: 3, daily: 7, zone: Europe/Berlin}\n"))
	if err != nil || c.Retention == nil || c.Retention.Last != 3 || c.Retention.Daily != 7 || c.Retention.Zone != "Europe/Berlin" {
		t.Errorf("%+v, %v", c.Retention, err)
	}
	c, err = ParseConfig([]byte(head + "retention: {zone: Europe/Berlin, schedules: {hourly: {hourly: 24}, nightly: {daily: 30, zone: UTC}}}\n"))
	if err != nil || c.Retention.Schedules["hourly"].Hourly != 24 || c.Retention.Schedules["nightly"].Zone != "UTC" {
		t.Errorf("%+v, %v", c.Retention, err)
	}
	for _, bad := range []string{
		"{}", "{schedules: {a: {}}}", "{schedules: {a: {last: 1, schedules: {b: {last: 1}}}}}", "{schedules: {a: {lost: 1}}}",
		"{last: -1}", "{daily: x}", "{dayly: 7}", "{last: 1, zone: Nowhere}", "7",
	} {
		if _, err := ParseConfig([]byte(head + "retention: " + bad + "\n")); err == nil {
			t.Errorf("retention: %s is accepted", bad)
		}
	}
}
