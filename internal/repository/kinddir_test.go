package repository

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

func record(f *fixture, kind, name string) manifest.Result {
	f.Helper()
	result, err := f.rules().Make(map[string]any{
		"apiVersion": "example.org/v1", "kind": kind, "metadata": map[string]any{"name": name, "namespace": "n", "uid": kind + name},
		"spec": map[string]any{"of": kind},
	})
	if err != nil {
		f.Fatal(err)
	}
	return result
}

// capture is what a backup does with kinds of which each list is complete.
func (f *fixture) capture(objects ...manifest.Result) Outcome {
	f.Helper()
	writer := f.begin()

	present := map[appbur.GroupKind]map[string]struct{}{
		{Group: "example.org", Kind: "DNSRecord"}: {},
		{Group: "example.org", Kind: "DnsRecord"}: {},
	}
	for _, object := range objects {
		if err := writer.Put(object); err != nil {
			f.Fatal(err)
		}
		present[object.Manifest.ID.GroupKind()][object.Manifest.ID.Path()] = struct{}{}
	}

	for gk, paths := range present {
		if err := writer.KeepOnly(gk, paths); err != nil {
			f.Fatal(err)
		}
	}

	outcome, err := writer.Commit(f.Context(), f.now(), appbur.Coverage{})
	if err != nil {
		f.Fatal(err)
	}
	f.reopen()
	return outcome
}

func (f *fixture) files() []string {
	f.Helper()
	var files []string
	for _, path := range strings.Fields(f.git("ls-tree", "-r", "--name-only", "main")) {
		if appbur.IsManifestPath(path) {
			files = append(files, path)
		}
	}
	return files
}

// Kinds whose names differ only in case have their own directories. The one that was
// there first keeps the usual one, whatever comes and goes.
func TestKindsThatDifferOnlyInCase(t *testing.T) {
	f := newFixture(t)
	first, second, other := record(f, "DNSRecord", "a"), record(f, "DnsRecord", "a"), record(f, "DnsRecord", "b")
	usual, own, ownOther := first.Manifest.ID.Path(), second.Manifest.ID.RivalPath(), other.Manifest.ID.RivalPath()
	expect := func(what string, want ...string) {
		t.Helper()
		slices.Sort(want)
		if diff := cmp.Diff(want, f.files()); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", what, diff)
		}
	}

	f.capture(first)
	expect("one kind", usual)
	outcome := f.capture(second, first, other)
	expect("two kinds", usual, own, ownOther)
	if outcome.Added != 2 || outcome.Changed != 0 || outcome.Removed != 0 {
		t.Errorf("the second kind came as %+v", outcome)
	}
	if f.capture(other, second, first).Committed {
		t.Error("the same once more made a commit")
	}
	ref := f.savePoint(outcome, map[appbur.ObjectID]manifest.Entry{first.Manifest.ID: first.Entry, second.Manifest.ID: second.Entry})
	loaded, err := f.repo.Load(t.Context(), ref, nil)
	if err != nil || len(loaded.Objects) != 3 || loaded.Index[second.Manifest.ID].UID != "DnsRecorda" {
		t.Fatalf("%+v, %v", loaded, err)
	}

	f.capture(first, second)
	expect("an object of the second kind is gone", usual, own)
	f.capture(second)
	expect("the first kind is gone", own)
	if f.capture(second).Committed {
		t.Error("the kind that is left moved")
	}
	writer := f.begin()
	kinds, err := writer.KindsBeside(appbur.Coverage{})
	if err != nil || len(kinds) != 1 || kinds[0].Kind != "DnsRecord" {
		t.Errorf("kinds on main: %+v, %v", kinds, err)
	}
	f.capture(first, second)
	expect("the first kind is back", usual, own)
}

// What an earlier release left in one directory for two kinds is put in order.
func TestOneDirectoryOfTwoKindsIsPutInOrder(t *testing.T) {
	f := newFixture(t)
	writer := f.begin()
	first, second := record(f, "DNSRecord", "a"), record(f, "DnsRecord", "b")
	for _, result := range []manifest.Result{first, second} {
		if _, err := writer.edit.Put(result.Manifest.ID.Path(), result.Manifest.Data); err != nil {
			t.Fatal(err)
		}
		writer.changes[result.Manifest.ID.Path()] = added
	}
	if _, err := writer.Commit(t.Context(), f.now(), appbur.Coverage{}); err != nil {
		t.Fatal(err)
	}
	f.reopen()
	f.capture(first, second)
	if diff := cmp.Diff([]string{first.Manifest.ID.Path(), second.Manifest.ID.RivalPath()}, f.files()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
