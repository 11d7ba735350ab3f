package gitsync

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Who begins to write waits for a write that is under way; afterwards whoever may not write any more is refused,
// because it is asked while it has the lock.
func TestWhoBeginsToWriteWaitsForAWriteThatIsUnderWay(t *testing.T) {
	old := testRepository(t)
	if err := testCommit(t, old, "1"); err != nil {
		t.Fatal(err)
	}
	next, err := Open(old.Dir())
	if err != nil {
		t.Fatal(err)
	}
	replaced := errors.New("somebody else leads")
	leads, asked := true, 0
	old.Fence(func(ctx context.Context) error {
		asked++
		next.lockWait = time.Millisecond
		if err := next.Settle(ctx); !errors.Is(err, ErrLocked) {
			t.Errorf("while the old one is about to write, the next one is told %v", err)
		}
		if !leads {
			return replaced
		}
		return nil
	})
	if err := testCommit(t, old, "2"); err != nil || asked == 0 {
		t.Fatalf("asked %d times: %v", asked, err)
	}

	leads = false
	if err := next.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := next.Tip(MainRef)
	if err != nil {
		t.Fatal(err)
	}
	if err := testCommit(t, old, "3"); !errors.Is(err, ErrFenced) || !errors.Is(err, replaced) {
		t.Errorf("who leads no more is told %v", err)
	}
	if now, err := next.Tip(MainRef); err != nil || now != before {
		t.Errorf("main is at %s, and was at %s (%v)", now, before, err)
	}
	if err := testCommit(t, next, "4"); err != nil {
		t.Errorf("the refused write left a lock: %v", err)
	}
}
