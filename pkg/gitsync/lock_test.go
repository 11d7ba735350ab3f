package gitsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
)

var epoch = time.Unix(1_700_000_000, 0)

func testCommit(t *testing.T, r *Repository, content string) error {
	t.Helper()
	tip, err := r.Tip(MainRef)
	if err != nil && !errors.Is(err, ErrRefNotFound) {
		t.Fatal(err)
	}
	e, err := r.Edit(tip)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Put("file", []byte(content)); err != nil {
		t.Fatal(err)
	}
	_, err = r.Commit(t.Context(), MainRef, e, CommitInfo{Subject: content, Time: epoch})
	return err
}

func testRepository(t *testing.T) *Repository {
	t.Helper()
	r, err := Init(filepath.Join(t.TempDir(), "r.git"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLockedRepositoryNamesItsHolder(t *testing.T) {
	r := testRepository(t)
	other, err := Open(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := r.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other.lockWait = time.Millisecond

	err = testCommit(t, other, "1")
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) || appbur.HintOf(err) == "" {
		t.Errorf("%v, want ErrLocked that names the process", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	other.lockWait = time.Hour
	if _, err := other.lock(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the end of the context", err)
	}
	unlock()
	if err := testCommit(t, other, "1"); err != nil {
		t.Error(err)
	}
}

// A writer of ours that died between taking git's lock and moving the ref must
// not block the next one; a lock of git must.
func TestAbandonedRefLocks(t *testing.T) {
	r := testRepository(t)
	if err := testCommit(t, r, "1"); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(r.Dir(), MainRef+".lock")
	staged := filepath.Join(r.Dir(), "appbur.ref")
	if err := os.WriteFile(staged, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}

	if err := os.Link(staged, lock); err != nil {
		t.Fatal(err)
	}
	if err := testCommit(t, r, "2"); err != nil {
		t.Errorf("after our own writer died: %v", err)
	}
	if err := os.WriteFile(lock, nil, 0o644); err != nil {
		t.Fatal(err)
	}

	r.refs.LockWait = time.Millisecond
	before, err := r.Tip(MainRef)
	if err != nil {
		t.Fatal(err)
	}
	if err := testCommit(t, r, "3"); !errors.Is(err, ErrLocked) || !strings.Contains(appbur.HintOf(err), lock) {
		t.Errorf("under git's lock: %v, want ErrLocked with the file in the hint", err)
	}

	if after, err := r.Tip(MainRef); err != nil || after != before {
		t.Errorf("the tip moved from %s to %s, %v", before, after, err)
	}
	if _, err := os.Stat(lock); err != nil {
		t.Errorf("git's lock was taken away: %v", err)
	}
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	if err := testCommit(t, r, "3"); err != nil {
		t.Error(err)
	}
}

// One maintenance at a time; a writer that would roll packs up meanwhile does not,
// and commits.
func TestOneMaintenanceAtATime(t *testing.T) {
	r := testRepository(t)
	other, err := Open(r.Dir())
	if err != nil {
		t.Fatal(err)
	}
	done, err := r.lockMaintenance(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	other.lockWait = time.Millisecond
	if _, err := other.Maintain(t.Context(), MaintainOptions{}); !errors.Is(err, ErrLocked) || appbur.HintOf(err) == "" {
		t.Errorf("%v, want ErrLocked", err)
	}
	other.lockWait = lockWait

	for i := range 40 {
		if err := testCommit(t, other, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}

	if n := len(other.objects.Own()); n != 40 {
		t.Errorf("%d packs, want all 40", n)
	}
	done()

	// The call that gave up still waits in the system, and may be handed the lock for a moment: then a later commit rolls up.
	for n := 0; n == 0 || len(other.objects.Own()) > 1; n++ {
		if n == 100 {
			t.Fatalf("%d packs, want them rolled up", len(other.objects.Own()))
		}
		if err := testCommit(t, other, fmt.Sprint("last ", n)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := other.Maintain(t.Context(), MaintainOptions{}); err != nil {
		t.Error(err)
	}
}
