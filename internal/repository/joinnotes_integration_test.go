//go:build integration

package repository

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// pushNotes pushes as a daemon does.
func (f *fixture) pushNotes() Replication {
	f.Helper()
	done := f.push()
	if err := f.repo.JoinNotes(f.Context(), f.keys, &done, gitsync.RemoteOptions{}, f.now); err != nil {
		f.Fatal(err)
	}
	for _, result := range done.Remotes {
		if result.NotesError != "" {
			f.Errorf("%s: %s", result.Remote, result.NotesError)
		}
	}
	return done
}

// Two writers that note something without each other: whoever pushes last joins the notes, at once and with its signature,
// at each remote, also if the other one is faster again meanwhile. Nothing that was there is taken back.
func TestNotesThatDivergedAreJoinedByAPush(t *testing.T) {
	f := newFixture(t)
	w := f.watched(events{})
	f.wrote(w, "a", "1", 10)
	made := f.committed(w).Parts[0].Commit
	far, _ := f.httpsRemote("far")
	vault := f.sshRemote("vault")
	f.pushNotes()
	other := f.replica("far")

	notes := func(bare string) []string {
		t.Helper()
		var people []string
		for line := range strings.Lines(testremote.Git(t, bare, "notes", "--ref=appbur-actors", "show", made.String())) {
			if _, who, found := strings.Cut(line, "Appbur-Actor: "); found {
				name, _, _ := strings.Cut(who, " ")
				people = append(people, name)
			}
		}
		slices.Sort(people)
		return people
	}
	have := func(bare string, want ...string) {
		t.Helper()
		if got := notes(bare); !slices.Equal(got, want) {
			t.Errorf("%s has notes of %v, want %v", filepath.Base(filepath.Dir(bare)), got, want)
		}
		testremote.Fsck(t, bare)
	}
	tip := func(bare string) string { return testremote.Git(t, bare, "rev-parse", gitsync.NotesRef) }

	// Both begin, which leaves no common commit of notes.
	other.annotate(late(made, notePathA, "bob"))
	other.pushNotes()
	theirs := tip(far)
	f.annotate(late(made, notePathA, "alice"))
	f.pushNotes()
	have(far, "alice", "bob")
	have(vault, "alice", "bob")
	testremote.Git(t, far, "merge-base", "--is-ancestor", theirs, gitsync.NotesRef)
	if tip(far) != tip(vault) {
		t.Error("the remotes have different notes")
	}

	// The other one is faster: its notes come between the look at the remote and the push.
	other.refresh()
	other.annotate(late(made, notePathA, "carol"))
	other.git("push", "-q", far, "+"+gitsync.NotesRef+":refs/heads/next")
	next := testremote.Git(t, far, "rev-parse", "refs/heads/next")
	testremote.Hook(t, far, "update", `case "$1" in refs/notes/*) if git rev-parse -q --verify refs/heads/next; then
		git update-ref refs/notes/appbur-actors refs/heads/next; git update-ref -d refs/heads/next; fi;; esac`)
	f.annotate(late(made, notePathA, "dora"))
	f.pushNotes()
	if _, err := testremote.TryGit(far, "rev-parse", "--verify", "refs/heads/next"); err == nil {
		t.Error("nobody was faster")
	}
	have(far, "alice", "bob", "carol", "dora")
	have(vault, "alice", "bob", "carol", "dora")
	testremote.Git(t, far, "merge-base", "--is-ancestor", next, gitsync.NotesRef)

	// What nobody trusted has signed is not kept, nor does it stand in the way.
	forged := "Appbur-Path: " + notePathA + "\nAppbur-Actor-Source: audit\nAppbur-Actor: mallory <mallory@audit.c1.invalid>"
	testremote.Git(t, far, "-c", "user.name=m", "-c", "user.email=m@m", "notes", "--ref=appbur-actors", "add", "-f",
		"-m", forged, made.String())
	mallory := tip(far)
	f.annotate(late(made, notePathA, "erin"))
	f.pushNotes()
	have(far, "alice", "bob", "carol", "dora", "erin")
	testremote.Git(t, far, "merge-base", "--is-ancestor", mallory, gitsync.NotesRef)
	if err := verifyCommit(must(f.repo.Notes()).Commit(), f.noteSigners()); err != nil {
		t.Error(err)
	}
	if done := f.pushNotes(); tip(far) != tip(vault) || done.Remotes[0].notesMoved || done.Remotes[1].notesMoved {
		t.Errorf("after all of it %+v", done)
	}
}
