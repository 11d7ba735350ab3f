//go:build integration

package repository

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Notes go where the history goes: two working copies that wrote some while neither reached the other end with all of
// them, and a clone has them, too. A server that refuses notes takes the history.
func TestNotesAreReplicated(t *testing.T) {
	f := newFixture(t)
	w := f.watched(events{})
	f.wrote(w, "a", "1", 10)
	made := f.committed(w).Parts[0].Commit
	remote, _ := f.httpsRemote("far")
	f.annotate(late(made, notePathA, "alice"))
	f.push()

	other := f.replica("far")
	want := []string{notePathA + " alice <alice@audit.c1.invalid>"}
	if diff := cmp.Diff(want, other.learned(made)); diff != "" {
		t.Fatalf("a clone (-want +got):\n%s", diff)
	}

	other.annotate(late(made, notePathA, "bob"))
	f.annotate(late(made, notePathA, "carol"))
	other.push()
	f.push() // leaves the notes there alone
	f.refresh()
	f.push()
	other.refresh()
	want = append(want, notePathA+" carol <carol@audit.c1.invalid>", notePathA+" bob <bob@audit.c1.invalid>")
	for _, copy := range []*fixture{f, other} {
		if diff := cmp.Diff(want, copy.learned(made)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		copy.git("fsck", "--strict")
		if err := verifyCommit(must(copy.repo.Notes()).Commit(), copy.noteSigners()); err != nil {
			t.Error(err)
		}
	}

	// Somebody who can push has pushed notes of their own.
	f.git("-c", "user.name=m", "-c", "user.email=m@m", "notes", "--ref=appbur-actors", "add", "-f", "-m", "forged", made.String())
	f.git("push", "-q", remote, "+refs/notes/appbur-actors")
	other.refresh()
	if diff := cmp.Diff(want, other.learned(made)); diff != "" {
		t.Errorf("forged notes were taken (-want +got):\n%s", diff)
	}
	other.annotate(late(made, notePathA, "dora"))
	if done := other.push(); done.Remotes[0].NotesError != "" {
		t.Error(done.Remotes[0].NotesError)
	}
	third := other.replica("far")
	if diff := cmp.Diff(append(want, notePathA+" dora <dora@audit.c1.invalid>"), third.learned(made)); diff != "" {
		t.Errorf("the remote after forged notes (-want +got):\n%s", diff)
	}
}

func TestARemoteThatRefusesNotesHasTheHistory(t *testing.T) {
	f := newFixture(t)
	w := f.watched(events{})
	f.wrote(w, "a", "1", 10)
	made := f.committed(w).Parts[0].Commit
	remote := testremote.Bare(t)
	testremote.Hook(t, remote, "update", `case "$1" in refs/notes/*) echo no notes here >&2; exit 1;; esac`)
	f.addRemote("far", "file://"+remote)
	f.annotate(late(made, notePathA, "alice"))

	done := f.push()
	if !done.Replicated() || !strings.Contains(done.Remotes[0].NotesError, "notes") {
		t.Errorf("%+v", done.Remotes[0])
	}
	if got := f.git("ls-remote", remote, gitsync.MainRef); !strings.HasPrefix(got, made.String()) {
		t.Errorf("the remote has %s", got)
	}
}
