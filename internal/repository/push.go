package repository

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// PushResult is what became of one remote.
type PushResult struct {
	Remote string              `json:"remote"`
	State  gitsync.RemoteState `json:"state"`
	// Error and Hint are empty when the remote holds everything. The hint is the
	// caller's to fill in, who knows the commands.
	Error   string `json:"error,omitempty"`
	Hint    string `json:"hint,omitempty"`
	Commits int    `json:"commits"`
	Points  int    `json:"points"`
	Removed int    `json:"removedPoints"`
	Objects int    `json:"objects"`
	Bytes   int64  `json:"bytes"`
	// NotesError is why the remote lacks notes that are here. It holds everything all the same: notes are
	// no part of the history.
	NotesError string `json:"notesError,omitempty"`
	// DrillsError is why the remote lacks reports about drills that are here; they are no part of the history either.
	DrillsError string `json:"drillsError,omitempty"`

	tip gitsync.Hash
	err error
	// notesMoved: the remote has notes that are not here.
	notesMoved bool
}

// Err returns why the remote does not hold everything, nil if it does.
func (p PushResult) Err() error { return p.err }

// Replication is what became of all remotes.
type Replication struct {
	Remotes []PushResult `json:"remotes"`
	// Required is how many remotes must hold everything, Holding how many do.
	Required int `json:"required"`
	Holding  int `json:"holding"`
}

// Replicated reports whether as many remotes as required hold the history and the
// restore points.
func (r Replication) Replicated() bool { return r.Holding >= r.Required }

// Push brings the named remotes up to date, all of them if none is named, each on
// its own and all at once: one that is down holds up no other. What a remote does
// is in the result; the error is about this side only.
func (r *Repository) Push(ctx context.Context, keysDir string, names []string, o gitsync.RemoteOptions, now func() time.Time) (Replication,
	error,
) {
	remotes, err := r.chooseRemotes(names)
	if err != nil {
		return Replication{}, err
	}
	what, err := r.pushed()
	if err != nil {
		return Replication{}, err
	}
	absent, err := r.absentTags(what.Deleted)
	if err != nil {
		return Replication{}, err
	}

	done := Replication{Remotes: make([]PushResult, len(remotes))}
	if done.Required, err = r.RequiredRemotes(); err != nil {
		return Replication{}, err
	}
	if len(names) > 0 {
		done.Required = len(remotes)
	}

	var workers sync.WaitGroup
	var noting sync.Mutex
	for i, remote := range remotes {
		workers.Go(func() {
			done.Remotes[i] = r.pushTo(ctx, keysDir, remote, what, o)
			if done.Remotes[i].err == nil {
				// At once, and not when the slowest is done. A mounted Secret remembers nothing.
				noting.Lock()
				defer noting.Unlock()
				_ = r.rememberRemote(keysDir, done.Remotes[i].tip, now())
			}
		})
	}
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return done, fmt.Errorf("push: %w", err)
	}

	for _, result := range done.Remotes {
		if result.err == nil {
			done.Holding++
		}
	}

	at := now()
	return done, errors.Join(r.notePushes(done.Remotes, at), r.confirmDeleted(absent, done.Remotes, at))
}

func (r *Repository) chooseRemotes(names []string) ([]Remote, error) {
	remotes, err := r.Remotes()
	if err != nil || len(names) == 0 {
		return remotes, err
	}
	for _, name := range names {
		if !slices.ContainsFunc(remotes, func(c Remote) bool { return c.Name == name }) {
			return nil, fmt.Errorf("%w %q %w", gitsync.ErrRemoteName, name, gitsync.ErrNoRemote)
		}
	}
	return slices.DeleteFunc(remotes, func(c Remote) bool { return !slices.Contains(names, c.Name) }), nil
}

func (r *Repository) pushTo(ctx context.Context, keysDir string, remote Remote, what gitsync.PushWhat, o gitsync.RemoteOptions) PushResult {
	result := PushResult{Remote: remote.Name, State: gitsync.RemoteUpToDate}
	peer, err := reachable(keysDir, remote)
	var pushed gitsync.Pushed
	if err == nil {
		pushed, err = r.git.Push(ctx, peer, what, o)
	}
	result.tip = pushed.Tip
	result.Commits, result.Points, result.Removed = pushed.Commits, len(pushed.Added), len(pushed.Removed)
	result.Objects, result.Bytes = pushed.Objects, pushed.Bytes
	result.notesMoved = pushed.NotesMoved
	if err == nil && pushed.NotesBehind {
		result.tellNotes(r.git.PushNotes(ctx, peer, o))
	}
	if err == nil && pushed.BesidesBehind {
		if err := r.git.PushBesides(ctx, peer, drillTagPrefix, o); err != nil {
			result.DrillsError = err.Error()
		}
	}
	if err != nil {
		result.State = stateOf(err)
		if other := r.another(ctx, peer, result.State, o); other != nil {
			err = other
		}
		result.err, result.Error = fmt.Errorf("remote %s: %w", remote.Name, err), err.Error()
	}
	return result
}

// pushed is what every remote shall hold: the history and the restore points.
func (r *Repository) pushed() (gitsync.PushWhat, error) {
	deleted, err := r.deletedTags()
	return gitsync.PushWhat{Branch: gitsync.MainRef, TagPrefix: appbur.RestorePointTagPrefix, Besides: drillTagPrefix, Deleted: deleted}, err
}
