package repository

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/seal"
)

// LateFact says who made a change that a commit has already.
type LateFact struct {
	Commit gitsync.Hash
	Path   string
	Who    actor.Who
}

// annotations bounds how often notes are written anew because others wrote some.
const annotations = 5

// Annotate writes beside commits what was learned late. Commits stay as they are. Notes of which the newest is not signed by
// somebody trusted are not built on: they are dropped as far as they go beyond what was.
func (r *Repository) Annotate(ctx context.Context, keys *keyring.Keys, cluster string, facts []LateFact, at time.Time) error {
	notes := map[gitsync.Hash][]Note{}
	for _, f := range facts {
		notes[f.Commit] = append(notes[f.Commit], noteOf(f.Path, f.Who, cluster))
	}
	for attempt := 0; ; attempt++ {
		err := r.annotate(ctx, keys, notes, at)
		if !errors.Is(err, gitsync.ErrRefMoved) || attempt == annotations {
			return err
		}
	}
}

func (r *Repository) annotate(ctx context.Context, keys *keyring.Keys, notes map[gitsync.Hash][]Note, at time.Time) error {
	tip, err := r.notesTip(gitsync.NotesRef)
	if err != nil {
		return err
	}
	signers, err := signersOf(keys)
	if err != nil {
		return err
	}
	good, err := r.believedNotes(tip, signers)
	if err != nil {
		return err
	}
	edit, err := r.git.Edit(good)
	if err != nil {
		return err
	}
	defer edit.Discard()
	if err := addNotes(edit, notes); err != nil {
		return err
	}

	info := gitsync.CommitInfo{
		Author: identity, Committer: identity, Time: at, Signer: keys.Signer(),
		Subject: fmt.Sprintf("Tell who made changes of %d commits, as was learned later", len(notes)),
	}
	if good == tip {
		_, err = r.git.Commit(ctx, gitsync.NotesRef, edit, info)
	} else {
		info.Body = "Notes that nobody trusted has signed are dropped."
		err = r.git.Replant(ctx, gitsync.NotesRef, tip, edit, info)
	}
	if errors.Is(err, gitsync.ErrUnchanged) {
		return nil
	}
	return err
}

func addNotes(edit *gitsync.Edit, notes map[gitsync.Hash][]Note) error {
	for _, commit := range slices.SortedFunc(maps.Keys(notes), func(a, b gitsync.Hash) int { return slices.Compare(a[:], b[:]) }) {
		path := gitsync.NotePath(commit)
		there, err := readOptional(edit.ReadFile(path))
		if err != nil {
			return err
		}
		if _, err := edit.Put(path, mergeNotes(there, notes[commit])); err != nil {
			return err
		}
	}
	return nil
}

// notesTip is where a ref of notes is, zero if there is none.
func (r *Repository) notesTip(ref string) (gitsync.Hash, error) {
	tip, err := r.git.Tip(ref)
	if errors.Is(err, gitsync.ErrRefNotFound) {
		return gitsync.Hash{}, nil
	}
	return tip, err
}

func signersOf(keys *keyring.Keys) (seal.AllowedSigners, error) {
	trusted, err := keys.Trusted()
	if err != nil {
		return nil, err
	}
	return parseSigners(trusted)
}

// believedNotes goes back to notes that somebody trusted has signed, zero if there are none.
func (r *Repository) believedNotes(tip gitsync.Hash, signers seal.AllowedSigners) (gitsync.Hash, error) {
	for at := tip; !at.IsZero(); {
		commit, err := r.git.ReadCommit(at)
		if err != nil {
			return gitsync.Hash{}, err
		}
		if verifyCommit(commit, signers) == nil {
			return at, nil
		}
		at = gitsync.Hash{}
		if len(commit.Parents) > 0 {
			at = commit.Parents[0]
		}
	}
	return gitsync.Hash{}, nil
}

// takeNotes goes on from the notes that a remote had when it was fetched from, if somebody trusted has signed them. Those
// of two writers are joined.
func (r *Repository) takeNotes(ctx context.Context, keys *keyring.Keys, remote string, at time.Time) error {
	theirs, err := r.notesTip(gitsync.NotesOf(remote))
	if err != nil || theirs.IsZero() {
		return err
	}
	ours, err := r.notesTip(gitsync.NotesRef)
	if err != nil || ours == theirs {
		return err
	}
	signers, err := signersOf(keys)
	if err != nil {
		return err
	}
	commit, err := r.git.ReadCommit(theirs)
	if err != nil {
		return err
	}
	if verifyCommit(commit, signers) != nil {
		return r.outweighNotes(ctx, keys, ours, theirs, at)
	}

	nothing := func(gitsync.Commit) error { return nil }
	if !ours.IsZero() {
		if older, err := r.git.Between(ours, theirs, nothing); err != nil || older {
			return err
		}
	}
	newer := ours.IsZero()
	if !newer {
		if newer, err = r.git.Between(theirs, ours, nothing); err != nil {
			return err
		}
	}
	if newer {
		err = r.git.MoveRef(ctx, gitsync.NotesRef, ours, theirs)
	} else {
		err = r.joinNotes(ctx, keys, ours, theirs, at)
	}
	if errors.Is(err, gitsync.ErrRefMoved) {
		return nil // somebody writes notes at this moment; the next time they are joined
	}
	return err
}

// outweighNotes goes on from notes of nobody trusted without what they say, so that the remote takes ours.
func (r *Repository) outweighNotes(ctx context.Context, keys *keyring.Keys, ours, theirs gitsync.Hash, at time.Time) error {
	if ours.IsZero() {
		return nil
	}
	if met, err := r.git.Between(ours, theirs, func(gitsync.Commit) error { return nil }); err != nil || met {
		return err
	}
	_, err := r.git.Join(ctx, gitsync.NotesRef, ours, theirs, ours, gitsync.CommitInfo{
		Author: identity, Committer: identity, Time: at, Signer: keys.Signer(), Subject: "Pass over notes that nobody trusted has signed",
	})
	if errors.Is(err, gitsync.ErrRefMoved) {
		return nil
	}
	return err
}

// joinNotes keeps what either of two writers has noted.
func (r *Repository) joinNotes(ctx context.Context, keys *keyring.Keys, ours, theirs gitsync.Hash, at time.Time) error {
	edit, err := r.git.Edit(ours)
	if err != nil {
		return err
	}
	defer edit.Discard()
	snapshot, err := r.git.Snapshot(theirs)
	if err != nil {
		return err
	}
	err = snapshot.Walk("", func(path string, blob gitsync.Hash) error {
		data, err := snapshot.Blob(blob)
		if err != nil {
			return err
		}
		there, err := readOptional(edit.ReadFile(path))
		if err != nil {
			return err
		}
		_, err = edit.Put(path, mergeNotes(there, parseNotes(data)))
		return err
	})
	if err != nil {
		return err
	}
	_, err = r.git.Commit(ctx, gitsync.NotesRef, edit, gitsync.CommitInfo{
		Author: identity, Committer: identity, Time: at, Signer: keys.Signer(), Subject: "Join the notes of a remote",
		Parents: []gitsync.Hash{ours, theirs}, AllowEmpty: true,
	})
	return err
}
