package daemon

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/exporter"
)

// beatEvery is how often a loop that waits shows that it moves.
const beatEvery = 5 * time.Second

// step is what the loop of a daemon does.
type step string

// The steps of the loop.
const (
	stepWaiting    step = "waiting for a change"
	stepGathering  step = "gathering changes"
	stepCommitting step = "committing"
)

// stuckAfter is how long the loop may show no movement in each step. A commit shows none until it
// is done: it reads the cluster's id and what definitions are gone, and writes to a disk.
var stuckAfter = map[step]time.Duration{
	stepWaiting:    time.Minute,
	stepGathering:  time.Minute,
	stepCommitting: 10 * time.Minute,
}

// Status tells from outside how a daemon is. The zero value is that of one that has not
// begun.
type Status struct {
	mu    sync.Mutex
	doing step
	since time.Time

	// discovered is true when it is known which types there are; unlisted are those of them whose
	// first list has not ended, well or not.
	discovered bool
	unlisted   map[appbur.GroupKind]bool
	types      int
	// listed is true from the end of the first lists on: types that come later are no news.
	listed bool
	// behind says what main lacks, nil while no daemon runs.
	behind func() error
}

// beat notes that the loop moves.
func (s *Status) beat(doing step, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doing, s.since = doing, at
}

// Moves returns why the loop of the daemon counts as stuck, nil while it moves.
func (s *Status) Moves(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if still := now.Sub(s.since); s.doing != "" && still > stuckAfter[s.doing] {
		return fmt.Errorf("the loop has not moved for %s, while %s", still.Round(time.Second), s.doing)
	}
	return nil
}

// discover notes which types there are.
func (s *Status) discover(types []exporter.Type) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.discovered {
		return
	}
	s.discovered, s.types = true, len(types)
	s.unlisted = make(map[appbur.GroupKind]bool, len(types))
	for _, t := range types {
		s.unlisted[t.GroupKind()] = true
	}
	s.listed = len(types) == 0
}

// list notes that a list of a type has ended, well or not.
func (s *Status) list(gk appbur.GroupKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.unlisted, gk); s.discovered && len(s.unlisted) == 0 {
		s.listed = true
	}
}

// Listed returns how much is missing of the first list of all types, nil when it is done.
// A type that cannot be read counts as done: coverage says so.
func (s *Status) Listed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.listed:
		return nil
	case !s.discovered:
		return errors.New("the types of the cluster are not known yet")
	default:
		return fmt.Errorf("%d of %d types are listed", s.types-len(s.unlisted), s.types)
	}
}

// follow notes who knows what main lacks.
func (s *Status) follow(behind func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = behind
}

// Current returns what main lacks of the cluster, as far as the watch knows: types that cannot be read, or
// changes that are not committed. It is nil when main is what the cluster was a moment ago.
func (s *Status) Current() error {
	if err := s.Listed(); err != nil {
		return err
	}
	s.mu.Lock()
	behind := s.behind
	s.mu.Unlock()
	if behind == nil {
		return errors.New("the cluster is not watched")
	}
	return behind()
}
