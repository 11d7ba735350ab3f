package repository

import (
	"errors"
	"fmt"
	"time"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
)

// seenRemote is the name under which the newest commit is remembered that a remote is known to hold. What is newer
// than that has never left this machine, so it can be lost with a working copy and without anybody's doing; what is
// older cannot.
const seenRemote = "remote"

// rememberRemote notes that a remote holds a commit of main.
func (r *Repository) rememberRemote(dir string, tip gitsync.Hash, at time.Time) error {
	return r.remember(dir, seenRemote, tip, at)
}

// rememberFetched notes the newest that a remote was found to hold. A key directory that cannot be written to, as a
// mounted Secret, remembers nothing.
func (r *Repository) rememberFetched(dir string, done Refreshed, at time.Time) {
	var tips []gitsync.Hash
	for _, result := range done.Remotes {
		if result.err == nil && !result.tip.IsZero() {
			tips = append(tips, result.tip)
		}
	}
	newest := gitsync.Hash{}
	ages, err := r.git.Ancestry(done.To, tips...)
	for tip, age := range ages {
		if least, any := ages[newest]; !any || age < least {
			newest = tip
		}
	}
	if err != nil || newest.IsZero() {
		return
	}
	if _, gone, err := r.heldElsewhere(dir, newest); err == nil && !gone {
		_ = r.rememberRemote(dir, newest, at)
	}
}

// heldElsewhere returns what a remote is known to hold, and whether a commit does not lead back to it.
func (r *Repository) heldElsewhere(dir string, tip gitsync.Hash) (seen keyring.Seen, gone bool, err error) {
	seen, known, err := keyring.LastSeen(dir, seenRemote)
	if err != nil || !known || seen.Repository != string(r.config.Repository) {
		return keyring.Seen{}, false, err
	}
	descends, err := r.git.Between(tip, seen.Commit, func(gitsync.Commit) error { return nil })
	return seen, !descends, err
}

// Lost are commits that were seen here and that no remote ever held.
type Lost struct {
	// Seen is the newest of them.
	Seen keyring.Seen
	// Main is where the history goes on.
	Main gitsync.Hash
}

// ForgetUnpushed lets the history go on where a remote has it, if the commit that was seen last was lost with an
// earlier working copy before it was pushed, and reports what was lost. The error wraps [ErrRewritten] if a remote is
// known to have held more than there is here: then something was taken away, or another remote has it.
func (r *Repository) ForgetUnpushed(keysDir string, at time.Time) (*Lost, error) {
	tip, err := r.Main()
	if err != nil {
		return nil, err
	}
	held, gone, err := r.heldElsewhere(keysDir, tip)
	if err != nil {
		return nil, err
	}
	if gone {
		return nil, because(ReasonRewritten, fmt.Errorf("%w: main is at %s, which does not lead back to %s, which a remote held at %s",
			ErrRewritten, tip.Short(), held.Commit.Short(), held.At.UTC().Format("2006-01-02 15:04:05Z")))
	}
	h, err := r.History(keysDir)
	if !errors.Is(err, ErrRewritten) || held == (keyring.Seen{}) {
		return nil, err
	}

	if err := r.Remember(keysDir, h.Tip, at); err != nil {
		return nil, fmt.Errorf("forgetting what was never pushed: %w", err)
	}
	return &Lost{Seen: h.Seen, Main: h.Tip}, nil
}
