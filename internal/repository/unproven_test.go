package repository

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/pkg/manifest"
)

func (f *fixture) unproven() (paths []string) {
	f.Helper()
	for _, c := range must(f.repo.Unproven(f.keys)) {
		paths = append(paths, fmt.Sprintf("%s %s %s %d", c.Change.Tag, c.Change.UID, c.Change.ResourceVersion, len(c.Change.Managers)))
	}
	return paths
}

// What is needed to learn later who made a change is in its commit, for as long as it is not known; notes that have it end that.
func TestCommitsSayWhatIsNotProven(t *testing.T) {
	f := newFixture(t)
	ledger := audit.NewLedger(audit.Limits{}, f.now)
	w := f.watched(ledger)
	ledger.Add(audit.Fact{
		ID: "1", Verb: "update", UID: "uid-b", ResourceVersion: "11", Replaced: "3", Certain: true, Actor: audit.Actor{User: "bob"},
	})
	by := func(name string) manifest.Manager {
		return manifest.Manager{Manager: name, Operation: "Update", Time: f.time}
	}
	f.wrote(w, "a", "1", 10, by("kubectl"))
	f.wrote(w, "a", "2", 12, by("kubectl"), by("flux \u202e\x1b😀"))
	f.wrote(w, "b", "1", 11)
	made := f.committed(w)

	if diff := cmp.Diff([]string{notePathA + " uid-a 12 1", notePathA + " uid-a 10 0"}, f.unproven()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	changes := must(f.repo.Unproven(f.keys))
	want := audit.Change{
		Tag: notePathA, Event: audit.Modified, UID: "uid-a", ResourceVersion: "12", Seen: f.now().UTC(),
		Managers: []audit.Manager{{Name: "flux \u202e\x1b😀", Operation: "Update", Time: f.time}},
	}
	want.Seen = changes[0].Change.Seen
	if diff := cmp.Diff(want, changes[0].Change, cmp.AllowUnexported(audit.Change{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if said := f.git("log", "-1", "--format=%B", "main"); !strings.Contains(said, `"flux \u202e\u001b\ud83d\ude00"`) {
		t.Errorf("the commit says\n%s", said)
	}
	if changes[0].Commit != made.Parts[len(made.Parts)-1].Commit {
		t.Errorf("%s has it, not %s", made.Parts[len(made.Parts)-1].Commit, changes[0].Commit)
	}

	f.annotate(late(changes[0].Commit, notePathA, "alice"))
	if diff := cmp.Diff([]string{notePathA + " uid-a 10 0"}, f.unproven()); diff != "" {
		t.Errorf("after a note (-want +got):\n%s", diff)
	}
}

// Nothing is read back from a commit that nobody trusted has signed, nor from long ago, and a commit says a bounded number.
func TestWhatIsReadBackIsBounded(t *testing.T) {
	f := newFixture(t)
	w := f.watched(audit.NewLedger(audit.Limits{}, f.now))
	for i := range 2 * unprovenChanges {
		f.wrote(w, fmt.Sprint("many-", i), "1", 10+i)
	}
	f.committed(w)
	if got := len(f.unproven()); got != unprovenChanges {
		t.Errorf("%d changes are read back", got)
	}

	f.time = f.time.Add(2 * recalledSpan)
	f.wrote(w, "b", "1", 1000)
	if _, err := w.Commit(t.Context(), f.now(), appbur.Coverage{}); err != nil {
		t.Fatal(err)
	}
	if got := f.unproven(); len(got) != 1 {
		t.Errorf("read back are %v", got)
	}

	said := f.git("log", "-1", "--format=%B", "main")
	if !strings.Contains(said, trailerUnproven+": {") {
		t.Fatalf("the commit says\n%s", said)
	}
	forged := strings.TrimSpace(f.git("-c", "user.name=m", "-c", "user.email=m@m", "commit-tree", "-p", "main", "-m",
		strings.ReplaceAll(said, "uid-b", "uid-c"), "main^{tree}"))
	f.git("update-ref", "refs/heads/main", forged)
	if got := strings.Join(f.unproven(), " "); strings.Contains(got, "uid-c") {
		t.Errorf("read back are %v", got)
	}
}
