package daemon

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

// rememberedChanges is of how many changes it is known which commit has them; of older ones nothing is learned any more.
const rememberedChanges = 10_000

// LateFacts takes in who made changes that are committed already, and has that written beside the commits.
type LateFacts struct {
	mu sync.Mutex
	// made says which commit has a change without a proven actor; order is the order in which they came.
	made  map[string]gitsync.Hash
	order []string
	// early are answers that came while the commit was being made.
	early map[string]actor.Who
	facts []repository.LateFact
	wake  chan struct{}
}

// NewLateFacts returns one that knows nothing yet.
func NewLateFacts() *LateFacts {
	return &LateFacts{made: map[string]gitsync.Hash{}, early: map[string]actor.Who{}, wake: make(chan struct{}, 1)}
}

// keyOf tells changes apart, also those of a store that has gone back in time and uses its versions again.
func keyOf(c audit.Change) string {
	return strings.Join([]string{c.Tag, c.UID, c.ResourceVersion, c.Event, strconv.FormatInt(c.Seen.UnixNano(), 10)}, "\x00")
}

// Tell takes an answer. It never waits.
func (l *LateFacts) Tell(c audit.Change, facts []audit.Fact) {
	who := actor.Proven(c.Event, facts)
	if len(who.Actors) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if commit, known := l.made[keyOf(c)]; known {
		l.note(c.Tag, commit, who)
		delete(l.made, keyOf(c))
		return
	}
	if len(l.early) >= rememberedChanges {
		clear(l.early)
	}
	l.early[keyOf(c)] = who
}

// Committed notes which commits have changes whose actor is not proven.
func (l *LateFacts) Committed(outcome repository.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, part := range outcome.Parts {
		for _, c := range part.Writes {
			key := keyOf(c.Change)
			who, came := l.early[key]
			delete(l.early, key)
			switch {
			case c.UID == "" || part.Who.Source == actor.Audit:
			case came && part.Knows(who):
			case came:
				l.note(c.Tag, part.Commit, who)
			default:
				l.made[key] = part.Commit
				l.order = append(l.order, key)
			}
		}
	}
	for len(l.order) > rememberedChanges {
		delete(l.made, l.order[0])
		l.order = l.order[1:]
	}
}

// Recall takes in which commits have the changes of earlier processes whose actor is not proven.
func (l *LateFacts) Recall(changes []repository.UnprovenChange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range changes {
		l.made[keyOf(c.Change)] = c.Commit
		l.order = append(l.order, keyOf(c.Change))
	}
}

// Reset forgets which commits have which changes, for a cluster whose store may be another one: it uses the same versions
// again. What is to be noted already is noted.
func (l *LateFacts) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.made)
	clear(l.early)
	l.order = nil
}

// note has a fact written soon. The caller holds the lock.
func (l *LateFacts) note(path string, commit gitsync.Hash, who actor.Who) {
	l.facts = append(l.facts, repository.LateFact{Commit: commit, Path: path, Who: who})
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run writes late facts, those of a while together, until ctx ends; then it writes what is left. Facts that
// cannot be written are tried again with the next.
func (l *LateFacts) Run(
	ctx context.Context, gather time.Duration, write func(context.Context, []repository.LateFact) error, log *slog.Logger,
) {
	for done := false; !done; {
		select {
		case <-l.wake:
			timer := time.NewTimer(gather)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			timer.Stop()
		case <-ctx.Done():
		}
		done = ctx.Err() != nil

		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCommit)
		if err := l.write(last, write); err != nil {
			log.Warn("who made some earlier changes is known now and could not be noted", "reason", err.Error())
		}
		cancel()
	}
}

func (l *LateFacts) write(ctx context.Context, write func(context.Context, []repository.LateFact) error) error {
	l.mu.Lock()
	facts := l.facts
	l.facts = nil
	l.mu.Unlock()
	if len(facts) == 0 {
		return nil
	}
	err := write(ctx, facts)
	if err != nil {
		l.mu.Lock()
		l.facts = append(facts, l.facts...)[:min(len(facts)+len(l.facts), rememberedChanges)]
		l.mu.Unlock()
	}
	return err
}
