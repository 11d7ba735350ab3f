package repository

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
)

// events is a ledger by resourceVersion.
type events map[string]string

func (e events) Who(c audit.Change) ([]audit.Fact, bool) {
	user, known := e[c.ResourceVersion]
	if !known || c.Event == audit.Listed {
		return nil, false
	}
	return []audit.Fact{{ID: "id-" + c.ResourceVersion, Verb: "delete", Actor: audit.Actor{User: user}}}, true
}

// watched is a writer that follows a cluster which main holds one object of.
func (f *fixture) watched(ledger actor.Ledger) *Writer {
	f.Helper()
	w := f.begin()
	w.Follow()
	w.Attribute(ledger)
	f.list(w, map[string]string{"first": "1"})
	f.committed(w)
	return w
}

// wrote has a writer see a write of an object.
func (f *fixture) wrote(w *Writer, name, value string, version int, managers ...manifest.Manager) {
	f.Helper()
	result := f.made(name, value)
	result.Revision = manifest.Revision{UID: "uid-" + name, ResourceVersion: strconv.Itoa(version), Event: audit.Modified}
	result.Entry.Managers = managers
	if err := w.Put(result); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) deleted(w *Writer, name string, version int) {
	f.Helper()
	by := manifest.Revision{UID: "uid-" + name, ResourceVersion: strconv.Itoa(version), Event: audit.Deleted}
	if err := w.Delete(f.made(name, "").Manifest.ID, by); err != nil {
		f.Fatal(err)
	}
}

// authors is what git says of the commits since the first of the cluster, oldest first.
func (f *fixture) authors() []string {
	f.Helper()
	format := "%an|%(trailers:key=Appbur-Actor-Source,valueonly,separator=%x2C)|%s"
	lines := strings.Split(strings.TrimSpace(f.git("log", "--reverse", "--format="+format, "main")), "\n")
	return lines[2:] // behind the beginning of the repository and of the cluster
}

func TestChangesOfDifferentActorsAreDifferentCommits(t *testing.T) {
	f := newFixture(t)
	w := f.watched(events{"10": "alice", "11": "alice", "12": "bob", "13": "alice", "15": "bob"})
	f.wrote(w, "b", "1", 12)
	f.wrote(w, "a", "1", 10)
	f.wrote(w, "c", "1", 13)
	f.wrote(w, "d", "1", 14)
	f.wrote(w, "a", "2", 11)
	f.wrote(w, "a", "3", 15)
	outcome := f.committed(w)

	want := []string{
		"alice|audit|Add configmap team/a",
		"bob|audit|Add configmap team/b",
		"alice|audit|Add configmap team/c",
		"appbur|unresolved|Add configmap team/d",
		"bob|audit|Change configmap team/a",
	}
	if diff := cmp.Diff(want, f.authors()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(outcome.Parts) != 5 || outcome.Added != 4 {
		t.Errorf("outcome %+v", outcome)
	}
	for i, values := range []map[string]string{
		{"first": "1", "a": "2"},
		{"first": "1", "a": "2", "b": "1"},
		{"first": "1", "a": "2", "b": "1", "c": "1"},
		{"first": "1", "a": "2", "b": "1", "c": "1", "d": "1"},
		{"first": "1", "a": "3", "b": "1", "c": "1", "d": "1"},
	} {
		if diff := cmp.Diff(values, f.values(outcome.Parts[i].Commit)); diff != "" {
			t.Errorf("commit %d (-want +got):\n%s", i, diff)
		}
	}
	f.git("fsck", "--strict")
	if got := f.git("log", "-1", "--format=%cn <%ce> %ae %(trailers:key=Appbur-Actor,valueonly,separator=%x2C) "+
		"%(trailers:key=Appbur-Audit-Id,valueonly,separator=%x2C)", "main"); got !=
		"appbur <appbur@appbur.invalid> bob@audit.c1.invalid bob <bob@audit.c1.invalid> id-15\n" {
		t.Errorf("git says %s", got)
	}
}

func TestDeletionsHaveActors(t *testing.T) {
	f := newFixture(t)
	w := f.watched(events{"10": "alice", "11": "bob", "12": "carol"})
	f.wrote(w, "a", "1", 10)
	f.deleted(w, "a", 11)
	f.wrote(w, "a", "2", 12)
	f.deleted(w, "first", 13)
	f.committed(w)

	want := []string{
		"alice|audit|Add configmap team/a", "bob|audit|Remove configmap team/a", "carol|audit|Add configmap team/a",
		"appbur|unresolved|Remove configmap team/first",
	}
	if diff := cmp.Diff(want, f.authors()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFieldManagersAreAuthorsThatAreMarked(t *testing.T) {
	f := newFixture(t)
	w := f.watched(nil)
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	helm := manifest.Manager{Manager: "helm", Time: at}
	f.wrote(w, "a", "1", 10, helm)
	f.wrote(w, "b", "1", 11, helm, manifest.Manager{Manager: "kubectl", Time: at})
	f.committed(w)
	f.wrote(w, "a", "2", 12, helm, manifest.Manager{Manager: "kubectl", Time: at.Add(time.Second)})
	f.committed(w)

	want := []string{
		"helm (field manager)|field-managers|Add configmap team/a",
		"appbur|unresolved|Add configmap team/b",
		"kubectl (field manager)|field-managers|Change configmap team/a",
	}
	if diff := cmp.Diff(want, f.authors()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := f.git("log", "-1", "--format=%(trailers:key=Appbur-Actor,valueonly)", "main~1"); strings.TrimSpace(got) !=
		"helm (field manager) <helm@field-manager.c1.invalid>\nkubectl (field manager) <kubectl@field-manager.c1.invalid>" {
		t.Errorf("those who may have made it: %s", got)
	}
}

// What is found in a list may be the work of many, and the last of them is not the author.
func TestTheLastOfSeveralWritersIsNoAuthor(t *testing.T) {
	f := newFixture(t)
	w := f.watched(nil)
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for i, value := range []string{"1", "2"} {
		result := f.made("first", value)
		result.Entry.Managers = []manifest.Manager{{Manager: "helm", Time: at.Add(time.Duration(i) * time.Minute)}}
		if err := w.Put(result); err != nil {
			t.Fatal(err)
		}
	}
	f.committed(w)
	if got := f.authors(); got[0] != "appbur|unresolved|Change configmap team/first" {
		t.Errorf("%v", got)
	}
	got := f.git("log", "-1", "--format=%(trailers:key=Appbur-Actor,valueonly)", "main")
	if !strings.HasPrefix(got, "helm (field manager) <") {
		t.Errorf("helm took part, and git says %q", got)
	}
}

func TestAStormOfActorsIsFewCommits(t *testing.T) {
	f := newFixture(t)
	ledger := events{}
	w := f.watched(ledger)
	for i := range 1000 {
		ledger[strconv.Itoa(100+i)] = fmt.Sprintf("user-%d", i)
		f.wrote(w, fmt.Sprint("o", i), "1", 100+i)
	}
	outcome := f.committed(w)

	if len(outcome.Parts) != mostParts || outcome.Added != 1000 {
		t.Fatalf("%d commits of %d objects", len(outcome.Parts), outcome.Added)
	}
	said := f.git("log", "-1", "--format=%an%n%(trailers:key=Appbur-Actor)%n%(trailers:key=Appbur-Actors-Left-Out)", "main")
	if !strings.HasPrefix(said, "appbur\n") || strings.Count(said, "Appbur-Actor:") != namedActors ||
		!strings.Contains(said, "Appbur-Actors-Left-Out: 949") {
		t.Errorf("the last commit says\n%s", said)
	}
	if got := len(f.values(outcome.Commit)); got != 1001 {
		t.Errorf("main holds %d objects", got)
	}
}

// A user may be called anything, also what the header of a commit looks like; Git stays sound and the committer appbur.
func TestAUserCannotForgeAuthors(t *testing.T) {
	for _, name := range []string{
		"appbur", "appbur <appbur@appbur.invalid>", "x>\ncommitter evil <e@e> 0 +0000", "\u202eruppa", strings.Repeat("n", 10_000),
		"\x00", ">", "...",
		"alice\nAppbur-Actor-Source: audit", "alice\n\nAppbur-Override: all",
	} {
		f := newFixture(t)
		w := f.watched(events{"10": name})
		f.wrote(w, "a", "1", 10)
		f.committed(w)

		f.git("fsck", "--strict")
		got := strings.Split(strings.TrimSpace(f.git("log", "-1", "--format=%cn <%ce>%n%ae%n%(trailers:key=Appbur-Actor-Source,valueonly)%n"+
			"%(trailers:key=Appbur-Override)", "main")), "\n")
		if len(got) != 3 || got[0] != "appbur <appbur@appbur.invalid>" || !strings.HasSuffix(got[1], "@audit.c1.invalid") || got[2] != "audit" {
			t.Errorf("%.40q: git says %q", name, got)
		}
		commit, err := f.repo.git.ReadCommit(must(f.repo.git.Tip(gitsync.MainRef)))
		if err != nil || len(commit.Signature) == 0 || ProvenanceOf(commit).ActorSource != "audit" {
			t.Errorf("%.40q: %v, %+v", name, err, ProvenanceOf(commit))
		}
	}
}

// What others committed meanwhile does not change who did what, and nobody gets what is not theirs.
func TestActorsSurviveAnotherWriter(t *testing.T) {
	f := newFixture(t)
	w := f.watched(events{"10": "alice", "11": "bob", "12": "bob"})
	f.wrote(w, "a", "1", 10)
	f.wrote(w, "a", "2", 11)
	f.wrote(w, "b", "1", 12)
	other := f.begin()
	f.list(other, map[string]string{"first": "1", "z": "1"})
	f.committed(other)
	f.committed(w)

	// Who follows the cluster knows that there is no z.
	want := []string{
		"appbur|unresolved|Add configmap team/z", "appbur|unresolved|Objects: 1 added, 1 removed", "bob|audit|Add configmap team/b",
	}
	if diff := cmp.Diff(want, f.authors()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What came back to what it was is no change of anybody.
func TestWhatCameBackIsNoCommit(t *testing.T) {
	f := newFixture(t)
	w := f.watched(events{"10": "alice", "11": "bob"})
	f.wrote(w, "first", "2", 10)
	f.wrote(w, "first", "1", 11)
	if outcome, err := w.Commit(t.Context(), f.now(), appbur.Coverage{}); err != nil || outcome.Committed || len(outcome.Parts) > 0 {
		t.Errorf("%+v, %v", outcome, err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
