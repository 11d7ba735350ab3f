package gitsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
	"github.com/appbur/appbur/pkg/gitsync/internal/transport"
)

// NotesRef is where stock git finds what was learned of commits after they were made: `git log --notes=appbur-actors`.
const NotesRef = "refs/notes/appbur-actors"

// NotesOf is the ref to the notes that a remote had when it was fetched from last.
func NotesOf(remote string) string { return remoteRefs + remote + "/" + "notes/appbur-actors" }

// NotePath is the file of a tree of notes that says something of a commit. Git reads any fan-out; this is the one
// that it writes for some hundred notes and more.
func NotePath(commit Hash) string {
	text := commit.String()
	return text[:2] + "/" + text[2:]
}

// Note reads the note of a commit from a tree of notes, whatever its fan-out is; nil if there is none.
func (s *Snapshot) Note(commit Hash) ([]byte, error) {
	text := commit.String()
	for _, path := range []string{NotePath(commit), text, text[:2] + "/" + text[2:4] + "/" + text[4:]} {
		data, err := s.ReadDescription(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	return nil, nil
}

// MoveRef moves a ref by compare-and-swap to a commit that is here; from is zero for a ref that does not exist.
func (r *Repository) MoveRef(ctx context.Context, ref string, from, to Hash) error {
	if _, err := r.ReadCommit(to); err != nil {
		return fmt.Errorf("move ref: %w", err)
	}
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return r.refs.Move(ctx, ref, from, to)
}

// ErrNotesMoved means that a remote has notes that are no older state of those here.
var ErrNotesMoved = errors.New("the remote has notes that are not here")

// PushNotes brings the notes of a remote up to date, in a session of its own: a server that refuses them must not hold up
// commits. Notes that are not an older state of those here stay as they are, which is [ErrNotesMoved].
func (r *Repository) PushNotes(ctx context.Context, remote Remote, o RemoteOptions) error {
	t, err := transport.Dial(ctx, remote, transport.ReceivePack, o)
	if err != nil {
		return err
	}
	defer t.Close()
	t.Pause()
	there := t.Advertisement
	behind, moved, err := r.notesBehind(there)
	if err == nil && moved {
		err = ErrNotesMoved
	}
	if err != nil || !behind {
		return err
	}

	tip, err := r.refs.Resolve(NotesRef)
	if err != nil {
		return err
	}
	plan := pushPlan{missing: r.newMissing(), needsPack: true}
	theirs := there.Refs[NotesRef]
	var have []Hash
	if !theirs.IsZero() {
		have = append(have, theirs)
	}
	if err := plan.missing.addHistory([]Hash{tip}, have); err != nil {
		return err
	}
	plan.updates = []transport.RefUpdate{{Ref: NotesRef, From: theirs, To: tip}}
	if err := plan.agree(there); err != nil {
		return err
	}
	if err := r.mayWrite(ctx); err != nil {
		return err
	}
	t.Resume()
	return r.send(t, &plan, remote.Name, o)
}

// notesBehind reports whether a remote has older notes than those here, or none, or whether it has others.
func (r *Repository) notesBehind(there transport.Advertisement) (behind, moved bool, err error) {
	tip, err := r.refs.Resolve(NotesRef)
	if errors.Is(err, ErrRefNotFound) {
		return false, false, nil
	}
	theirs := there.Refs[NotesRef]
	if err != nil || theirs.IsZero() || theirs == tip {
		return err == nil && theirs.IsZero(), false, err
	}
	here, err := r.holds(theirs)
	if err != nil || !here {
		return false, err == nil, err
	}
	_, descends, err := r.descends(tip, theirs)
	return descends, !descends && err == nil, err
}

// FetchNotes takes the notes of a remote and nothing else, as [NotesOf] it. Those here stay as they are.
func (r *Repository) FetchNotes(ctx context.Context, remote Remote, o RemoteOptions) error {
	t, err := transport.Dial(ctx, remote, transport.UploadPack, o)
	if err != nil {
		return err
	}
	defer t.Close()
	f := &fetch{repo: r, remote: remote, what: FetchWhat{Branch: NotesRef}, options: o, there: t.Advertisement}
	if err := r.objects.Rescan(); err != nil {
		return err
	}
	if err := f.wantNotes(); err != nil || f.notes.IsZero() {
		return err
	}
	if len(f.wanted) > 0 {
		if err := f.receive(ctx, t); err != nil {
			return err
		}
	}
	t.Close()

	unlockPacks, err := r.lockMaintenance(ctx, true)
	if err != nil {
		return err
	}
	defer unlockPacks()
	if err := f.connected(); err != nil {
		return broken(err)
	}
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return pack.DiskError(r.dir, f.moveNotes(ctx))
}

// wantNotes notes those of the remote.
func (f *fetch) wantNotes() error {
	theirs, has := f.there.Refs[NotesRef]
	if !has {
		return nil
	}
	f.notes = theirs
	return f.want(theirs)
}

// ourNotes are commits of notes that are here whole.
func (f *fetch) ourNotes() (have []Hash) {
	for _, ref := range []string{NotesRef, NotesOf(f.remote.Name)} {
		if id, err := f.repo.refs.Resolve(ref); err == nil {
			have = append(have, id)
		}
	}
	return have
}

// moveNotes remembers the notes of the remote. Whether they are believed is not decided here.
func (f *fetch) moveNotes(ctx context.Context) error {
	if f.notes.IsZero() {
		return nil
	}
	name := NotesOf(f.remote.Name)
	was, err := f.repo.refs.Resolve(name)
	if err != nil && !errors.Is(err, ErrRefNotFound) || was == f.notes {
		return err
	}
	return f.repo.refs.Move(ctx, name, was, f.notes)
}

// Replant commits an edit on a ref that is elsewhere than the edit's base: the commit continues what the ref has, with the files
// of the edit. What lies between is part of the history and no longer of the files.
func (r *Repository) Replant(ctx context.Context, ref string, at Hash, e *Edit, c CommitInfo) error {
	turn, err := r.TakeTurn(ctx)
	if err != nil {
		return err
	}
	defer turn.Release()
	c.Parents, c.AllowEmpty = []Hash{at}, true
	_, err = r.commitOn(ctx, ref, at, e, c)
	return err
}
