//go:build integration

package repository

import (
	"context"
	"crypto/rand"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// errReplaced is what a Lease says that is held by somebody else.
var errReplaced = errors.New("the Lease is held by another process")

// A leader was stopped while it had something to write, and goes on after another one has written. Whatever it is about to
// do, nothing of this copy and of its remotes changes: neither by what it gathered before, nor by its newer clock.
func TestALeaderThatWakesUpWritesNothing(t *testing.T) {
	f := newFixture(t)
	bare := filepath.Join(t.TempDir(), "remote.git")
	if out, err := exec.CommandContext(t.Context(), "git", "init", "-q", "--bare", bare).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f.addRemote("disk", "file://"+bare)
	old := f.point()
	f.time = f.time.Add(time.Hour)
	f.point()
	f.push()

	leads := true
	f.repo.Fence(func(context.Context) error {
		if leads {
			return nil
		}
		return errReplaced
	})
	sleeper := f.begin()
	sleeper.Follow()
	if err := sleeper.Put(f.made("settings", "before the sleep")); err != nil {
		t.Fatal(err)
	}
	outcome := Outcome{Commit: f.repo.tip}

	leads = false
	next := &fixture{TB: f.TB, time: f.time}
	next.open(f.repo.Dir(), f.keysDir)
	writer := next.begin()
	if err := writer.Put(f.made("settings", "after the sleep")); err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Commit(t.Context(), f.now(), appbur.Coverage{}); err != nil {
		t.Fatal(err)
	}
	state := func() string { return f.git("for-each-ref") }
	before := state()
	remote := func() string {
		out, err := exec.CommandContext(t.Context(), "git", "-C", bare, "for-each-ref").Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	beforeThere := remote()

	trusted, err := f.keys.Trusted()
	if err != nil {
		t.Fatal(err)
	}
	_, err = sleeper.Commit(t.Context(), f.now(), appbur.Coverage{})
	wantFenced(t, "a commit", err)
	_, err = f.repo.SavePoint(t.Context(), outcome.Commit, PointContent{Created: f.now(), Cluster: fixtureCluster}, f.keys, rand.Reader, f.now)
	wantFenced(t, "a restore point", err)
	wantFenced(t, "a deletion", f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{old.ID}, trusted, false))
	if pushed := f.push(); pushed.Holding != 0 || !errors.Is(pushed.Remotes[0].Err(), gitsync.ErrFenced) {
		t.Errorf("a push: %+v", pushed)
	}
	if now := state(); now != before {
		t.Errorf("refs were\n%s\nand are\n%s", before, now)
	}
	if now := remote(); now != beforeThere {
		t.Errorf("the remote had\n%s\nand has\n%s", beforeThere, now)
	}
	f.git("fsck", "--strict")

	if pushed := next.push(); pushed.Holding != 1 {
		t.Errorf("who leads cannot push: %+v", pushed)
	}
}

func wantFenced(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, gitsync.ErrFenced) || !errors.Is(err, errReplaced) {
		t.Errorf("%s of who leads no more: %v", what, err)
	}
}
