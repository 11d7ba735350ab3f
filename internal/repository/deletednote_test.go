package repository

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// disk adds a remote that is a directory, and returns the directory.
func (f *fixture) disk(name string) string {
	f.Helper()
	dir := filepath.Join(f.TempDir(), name+".git")
	if out, err := exec.Command("git", "init", "-q", "--bare", "-b", "main", dir).CombinedOutput(); err != nil {
		f.Fatalf("%v: %s", err, out)
	}
	u, err := gitsync.ParseRemoteURL(dir)
	if err != nil {
		f.Fatal(err)
	}
	if err := f.repo.AddRemote(f.Context(), Remote{Name: name, URL: u}); err != nil {
		f.Fatal(err)
	}
	return dir
}

// What every remote has lost is forgotten after a month, and not before; what one of
// them may still hold is not forgotten.
func TestDeletedPointsAreForgotten(t *testing.T) {
	f := newFixture(t)
	f.disk("here")
	f.disk("there")

	push := func(names ...string) {
		t.Helper()
		done, err := f.repo.Push(t.Context(), f.keysDir, names, gitsync.RemoteOptions{}, f.now)
		if err != nil || !done.Replicated() {
			t.Fatalf("%+v, %v", done, err)
		}
	}

	noted := func() int {
		t.Helper()
		deleted, err := f.repo.readDeleted()
		if err != nil {
			t.Fatal(err)
		}
		return len(deleted)
	}

	gone := f.point()
	f.time = f.time.Add(time.Hour)
	f.point()
	push()
	if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{gone.ID}, f.trusted(), false); err != nil {
		t.Fatal(err)
	}
	push("here")

	f.time = f.time.Add(40 * 24 * time.Hour)
	push("here")
	if noted() != 1 {
		t.Error("forgotten although one remote still holds it")
	}
	push()
	if noted() != 0 {
		t.Error("not forgotten although it is gone everywhere for a month")
	}

	// One that all have lost at once is kept for a month.
	gone = f.point()
	push()
	f.time = f.time.Add(time.Hour)
	f.point()
	if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{gone.ID}, f.trusted(), false); err != nil {
		t.Fatal(err)
	}
	push()
	f.time = f.time.Add(29 * 24 * time.Hour)
	push()
	if noted() != 1 {
		t.Error("forgotten within a month")
	}

	// A remote that is removed confirms nothing for the next one of its name.
	if err := f.repo.RemoveRemote(t.Context(), "there"); err != nil {
		t.Fatal(err)
	}
	deleted, err := f.repo.readDeleted()
	if err != nil || len(deleted) != 1 || len(deleted[0].Confirmed) != 1 || deleted[0].Confirmed[0] != "here" {
		t.Errorf("%+v, %v", deleted, err)
	}
	f.time = f.time.Add(2 * 24 * time.Hour)
	push()
	if noted() != 0 {
		t.Error("not forgotten after a month")
	}
}

// A point that was noted and is not deleted yet is confirmed by nobody.
func TestNotedPointThatIsStillHere(t *testing.T) {
	f := newFixture(t)
	f.disk("here")
	point := f.point()
	if err := f.repo.NoteDeleted(point); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := f.repo.Push(t.Context(), f.keysDir, nil, gitsync.RemoteOptions{}, f.now); err != nil {
			t.Fatal(err)
		}
		f.time = f.time.Add(60 * 24 * time.Hour)
	}
	deleted, err := f.repo.readDeleted()
	if err != nil || len(deleted) != 1 || len(deleted[0].Confirmed) != 0 {
		t.Errorf("%+v, %v", deleted, err)
	}
}
