//go:build unix

package gitsync

import (
	"errors"
	"testing"
)

// Who has the turn commits before a writer that has waited all the while.
func TestATurnIsWaitedFor(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	r := testRepository(t)
	if err := testCommit(t, r, "1"); err != nil {
		t.Fatal(err)
	}
	edit := func(content string) *Edit {
		tip, err := r.Tip(MainRef)
		if err != nil {
			t.Fatal(err)
		}
		e, err := r.Edit(tip)
		if err == nil {
			_, err = e.Put("file", []byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
		return e
	}

	turn, err := r.TakeTurn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other, waited := edit("of the other"), make(chan error)
	go func() {
		_, err := r.Commit(t.Context(), MainRef, other, CommitInfo{Subject: "2", Time: epoch})
		waited <- err
	}()
	for n := range 3 {
		if _, err := turn.Commit(t.Context(), MainRef, edit(string(rune('a'+n))), CommitInfo{Subject: "mine", Time: epoch}); err != nil {
			t.Errorf("commit %d in a turn: %v", n, err)
		}
	}
	turn.Release()
	if err := <-waited; !errors.Is(err, ErrRefMoved) {
		t.Errorf("the other writer: %v, want ErrRefMoved", err)
	}
	if err := testCommit(t, r, "3"); err != nil {
		t.Errorf("after the turns: %v", err)
	}
}
