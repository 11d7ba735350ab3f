package gitsync

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A ref that git packs between the two looks of a list is found. The packed file is a
// pipe, so that the test knows when it is read: a list that reads it first finds the
// file of the ref gone afterwards.
func TestListFindsRefPackedMeanwhile(t *testing.T) {
	r := testRepository(t)
	if err := testCommit(t, r, "1"); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(r.Dir(), "packed-refs")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}

	packed := make(chan error, 1)
	go func() {
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err != nil {
			packed <- err
			return
		}
		// What was in the file before: nothing. Now git packs.
		err = os.Remove(filepath.Join(r.Dir(), filepath.FromSlash(MainRef)))
		packed <- errors.Join(err, w.Close())
	}()

	names, err := r.refs.Names("refs/heads/")
	if err != nil || len(names) != 1 || names[0] != MainRef {
		t.Errorf("%v, %v", names, err)
	}
	if err := <-packed; err != nil {
		t.Error(err)
	}
}
