package daemon

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

// A fact is noted beside the commit that has its change, whether it comes after the commit or while it is made, once, and again if
// that fails.
func TestLateFactsFindTheirCommits(t *testing.T) {
	change := func(version string) audit.Change {
		return audit.Change{Tag: "a.yaml", UID: "u", ResourceVersion: version, Event: audit.Modified}
	}
	alice := []audit.Fact{{Actor: audit.Actor{User: "alice"}}}
	proven := actor.Proven(audit.Modified, alice)
	part := func(commit byte, who actor.Who, version string) repository.MadePart {
		return repository.MadePart{Commit: gitsync.Hash{commit}, Who: who, Writes: []actor.Change{{Change: change(version)}}}
	}
	unresolved := actor.Who{Source: actor.Unresolved}

	synctest.Test(t, func(t *testing.T) {
		l := NewLateFacts()
		l.Tell(change("1"), alice) // its commit is being made
		l.Tell(change("2"), alice) // so is that of this one, which says it
		l.Committed(repository.Outcome{Parts: []repository.MadePart{
			part(1, unresolved, "1"), part(2, proven, "2"), part(3, unresolved, "3"), part(4, unresolved, "4"),
		}})
		l.Tell(change("3"), alice)
		l.Tell(change("3"), alice)
		l.Tell(change("4"), nil) // proves nobody
		l.Tell(change("9"), alice)

		var mu sync.Mutex
		var noted []repository.LateFact
		tries := 0
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			l.Run(ctx, time.Second, func(_ context.Context, facts []repository.LateFact) error {
				mu.Lock()
				defer mu.Unlock()
				if tries++; tries == 1 {
					return errors.New("the disk is full")
				}
				noted = append(noted, facts...)
				return nil
			}, slog.New(slog.DiscardHandler))
		})
		time.Sleep(time.Minute)
		stop()
		running.Wait()

		if len(noted) != 2 || noted[0].Commit != (gitsync.Hash{1}) || noted[1].Commit != (gitsync.Hash{3}) ||
			noted[0].Who.Author.Name != "alice" {
			t.Errorf("noted %+v", noted)
		}
	})
}

// What another process has committed is noted as well.
func TestLateFactsOfAnotherProcess(t *testing.T) {
	l := NewLateFacts()
	c := audit.Change{Tag: "a.yaml", UID: "u", ResourceVersion: "7", Event: audit.Modified}
	l.Recall([]repository.UnprovenChange{{Commit: gitsync.Hash{7}, Change: c}})
	again := c
	again.Seen = c.Seen.Add(time.Hour) // the same version, of a store that has gone back in time
	l.Tell(again, []audit.Fact{{Actor: audit.Actor{User: "bob"}}})
	l.Tell(c, []audit.Fact{{Actor: audit.Actor{User: "alice"}}})
	if len(l.facts) != 1 || l.facts[0].Commit != (gitsync.Hash{7}) || l.facts[0].Who.Author.Name != "alice" {
		t.Errorf("noted %+v", l.facts)
	}

	l.Recall([]repository.UnprovenChange{{Commit: gitsync.Hash{7}, Change: c}})
	l.Reset()
	l.Tell(c, []audit.Fact{{Actor: audit.Actor{User: "alice"}}})
	if len(l.facts) != 1 || len(l.made) != 0 {
		t.Errorf("noted after a reset: %+v", l.facts)
	}
}

// A commit waits for who made its changes, but not for ever.
func TestACommitWaitsForItsActors(t *testing.T) {
	for _, test := range []struct {
		answers time.Duration // after which it is known
		want    time.Duration
	}{{0, 0}, {250 * time.Millisecond, 300 * time.Millisecond}, {time.Hour, 3 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			c := &collector{options: Options{
				Grace: 3 * time.Second, Now: time.Now, Status: &Status{},
				Undecided: func() bool { return time.Since(began) < test.answers },
			}}
			c.awaitActors(t.Context())
			if waited := time.Since(began); waited != test.want {
				t.Errorf("known after %s, it waited %s", test.answers, waited)
			}
		})
	}
}
