package repository

import (
	"context"
	"errors"
	"time"

	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
)

// notesJoins bounds how often notes of a remote are joined that moves on at the same time.
const notesJoins = 3

// tellNotes says what became of the notes of a remote.
func (p *PushResult) tellNotes(err error) {
	p.notesMoved, p.NotesError = false, ""
	switch {
	case errors.Is(err, gitsync.ErrNotesMoved):
		p.notesMoved = true
	case err != nil:
		// Maybe because another writer was faster. Who joins them will see.
		p.notesMoved, p.NotesError = true, err.Error()
	}
}

// JoinNotes goes on from the notes of those remotes that did not take ours because they have others, as [Repository.Refresh]
// does it: what somebody trusted has signed is kept, what nobody has is passed over. All remotes that were reached take the
// result. What a remote does is in its result; the error is about this side only.
func (r *Repository) JoinNotes(ctx context.Context, keys *keyring.Keys, done *Replication, o gitsync.RemoteOptions,
	now func() time.Time,
) error {
	joined := false
	for i := range done.Remotes {
		result := &done.Remotes[i]
		if result.err != nil || !result.notesMoved {
			continue
		}
		moved, err := r.joinNotesOf(ctx, keys, result, o, now)
		if err != nil {
			return err
		}
		joined = joined || moved
	}

	for i := range done.Remotes {
		result := &done.Remotes[i]
		if !joined || result.err != nil || result.notesMoved {
			continue
		}
		peer, err := r.peer(keys.Dir, result.Remote)
		if err == nil {
			err = r.git.PushNotes(ctx, peer, o)
		}
		result.tellNotes(err)
	}
	return nil
}

// joinNotesOf joins the notes of one remote with ours until it takes them; moved says that ours have changed.
func (r *Repository) joinNotesOf(ctx context.Context, keys *keyring.Keys, result *PushResult, o gitsync.RemoteOptions,
	now func() time.Time,
) (moved bool, err error) {
	peer, err := r.peer(keys.Dir, result.Remote)
	if err != nil {
		return false, err
	}
	before, err := r.notesTip(gitsync.NotesRef)
	if err != nil {
		return false, err
	}
	for range notesJoins {
		known, err := r.notesTip(gitsync.NotesOf(result.Remote))
		if err != nil {
			return false, err
		}
		if err := r.git.FetchNotes(ctx, peer, o); err != nil {
			result.NotesError = err.Error()
			return false, nil
		}
		theirs, err := r.notesTip(gitsync.NotesOf(result.Remote))
		if err != nil {
			return false, err
		}
		if theirs == known && result.NotesError != "" {
			break // nobody was faster: it takes none
		}
		if err := r.takeNotes(ctx, keys, result.Remote, now()); err != nil {
			return false, err
		}
		if result.tellNotes(r.git.PushNotes(ctx, peer, o)); !result.notesMoved {
			break
		}
	}
	after, err := r.notesTip(gitsync.NotesRef)
	return after != before, err
}

// peer is where a remote is reached.
func (r *Repository) peer(keysDir, name string) (gitsync.Remote, error) {
	remotes, err := r.chooseRemotes([]string{name})
	if err != nil {
		return gitsync.Remote{}, err
	}
	return reachable(keysDir, remotes[0])
}
