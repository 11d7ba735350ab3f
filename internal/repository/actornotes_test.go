package repository

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

const notePathA = "namespaces/team/configmap/a.yaml"

// late is what an audit event says that came too late.
func late(commit gitsync.Hash, path, user string) LateFact {
	return LateFact{commit, path, actor.Proven(audit.Modified, []audit.Fact{{ID: "id-" + user, Actor: audit.Actor{User: user}}})}
}

func (f *fixture) annotate(facts ...LateFact) {
	f.Helper()
	if err := f.repo.Annotate(f.Context(), f.keys, "c1", facts, f.now()); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) learned(commit gitsync.Hash) []string {
	f.Helper()
	var people []string
	for _, n := range must(must(f.repo.Notes()).Of(commit)) {
		people = append(people, n.Path+" "+strings.Join(n.Actors, ","))
	}
	return people
}

func (f *fixture) noteSigners() seal.AllowedSigners {
	f.Helper()
	return must(signersOf(f.keys))
}

// Stock git reads late facts as notes; the commit stays as it is.
func TestLateFactsAreGitNotes(t *testing.T) {
	f := newFixture(t)
	w := f.watched(events{})
	f.wrote(w, "a", "1", 10)
	f.wrote(w, "b", "1", 11)
	made := f.committed(w).Parts[0].Commit
	before := f.git("rev-parse", "main")
	f.annotate(late(made, notePathA, "alice"))
	f.annotate(late(made, notePathA, "alice"), late(made, "namespaces/team/configmap/b.yaml", "x\n\nAppbur-Path: forged"))

	if diff := cmp.Diff([]string{
		notePathA + " alice <alice@audit.c1.invalid>",
		"namespaces/team/configmap/b.yaml x??Appbur-Path: forged <x--appbur-path.-forged+" + digestOf(t, f, made) + "@audit.c1.invalid>",
	}, f.learned(made)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	shown := f.git("log", "-1", "--notes=appbur-actors", "main")
	if !strings.Contains(shown, "Notes (appbur-actors):") || !strings.Contains(shown, "Appbur-Actor: alice <alice@audit.c1.invalid>") {
		t.Errorf("git log shows\n%s", shown)
	}
	if got := f.git("notes", "--ref=appbur-actors", "show", made.String()); !strings.HasPrefix(got, "Appbur-Path: "+notePathA) {
		t.Errorf("git notes show: %s", got)
	}
	if f.git("rev-parse", "main") != before {
		t.Error("main has moved")
	}
	f.git("fsck", "--strict")
	if state := verifyCommit(must(f.repo.Notes()).Commit(), f.noteSigners()); state != nil {
		t.Error(state)
	}
	// Git goes on from it as well.
	f.git("-c", "user.name=m", "-c", "user.email=m@m", "notes", "--ref=appbur-actors", "add", "-m", "by hand", "main~1")
}

// digestOf reads the digest that the address of the second note has.
func digestOf(t *testing.T, f *fixture, commit gitsync.Hash) string {
	t.Helper()
	_, rest, _ := strings.Cut(strings.Join(f.learned(commit), "\n"), "+")
	digest, _, _ := strings.Cut(rest, "@")
	if len(digest) != 16 {
		t.Errorf("the digest is %q", digest)
	}
	return digest
}

// Whoever can push can push notes, too. They are not signed, and nothing that appbur signs contains them.
func TestForgedNotesAreNotBuiltOn(t *testing.T) {
	f := newFixture(t)
	w := f.watched(events{})
	f.wrote(w, "a", "1", 10)
	made := f.committed(w).Parts[0].Commit
	f.annotate(late(made, notePathA, "alice"))
	forged := "Appbur-Path: " + notePathA + "\nAppbur-Actor-Source: audit\nAppbur-Actor: mallory <mallory@audit.c1.invalid>"
	f.git("-c", "user.name=m", "-c", "user.email=m@m", "notes", "--ref=appbur-actors", "add", "-f", "-m", forged, made.String())

	if err := verifyCommit(must(f.repo.Notes()).Commit(), f.noteSigners()); err == nil {
		t.Error("forged notes have a good signature")
	}
	f.annotate(late(made, notePathA, "bob"))
	got := strings.Join(f.learned(made), "\n")
	if strings.Contains(got, "mallory") || !strings.Contains(got, "alice") || !strings.Contains(got, "bob") {
		t.Errorf("signed notes are\n%s", got)
	}
	if err := verifyCommit(must(f.repo.Notes()).Commit(), f.noteSigners()); err != nil {
		t.Error(err)
	}
	if got := f.git("rev-list", "--count", "refs/notes/appbur-actors"); got != "3\n" {
		t.Errorf("the notes have %s commits: they must continue what was there", got)
	}
}

// Whatever is in a note, it is read without harm and written again as it was read.
func FuzzNotes(f *testing.F) {
	f.Add([]byte("Appbur-Path: a\nAppbur-Actor: x <y>\n\n\nAppbur-Path: b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		once := mergeNotes(data, nil)
		if again := mergeNotes(once, parseNotes(once)); string(again) != string(once) {
			t.Errorf("%q becomes %q", once, again)
		}
	})
}
