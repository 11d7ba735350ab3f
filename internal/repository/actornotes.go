package repository

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Note is what was learned of a change after it was committed: who made what of one object.
type Note struct {
	Path string `json:"path"`
	// Source is how that is known. Several actors of one note are known to have taken part.
	Source   string   `json:"actorSource"`
	Actors   []string `json:"actors"`
	ActedAs  []string `json:"actedAs,omitempty"`
	AuditIDs []string `json:"auditIds,omitempty"`
}

// noteOf says who made a change of a file.
func noteOf(path string, who actor.Who, cluster string) Note {
	n := Note{Path: path}
	for _, t := range actorTrailers(who, cluster) {
		n.take(t)
	}
	return n
}

func (n *Note) take(t gitsync.Trailer) {
	switch t.Key {
	case trailerNotePath:
		n.Path = t.Value
	case trailerActor:
		n.Source = t.Value
	case trailerNamed:
		n.Actors = append(n.Actors, t.Value)
	case trailerImpersonated:
		n.ActedAs = append(n.ActedAs, t.Value)
	case trailerAuditID:
		n.AuditIDs = append(n.AuditIDs, t.Value)
	}
}

// trailerNotePath begins a note.
const trailerNotePath = "Appbur-Path"

// text is a note as lines that have the form of trailers.
func (n Note) text() string {
	var b strings.Builder
	line := func(key string, values ...string) {
		for _, value := range values {
			fmt.Fprintf(&b, "%s: %s\n", key, strings.Join(strings.Fields(value), " "))
		}
	}
	line(trailerNotePath, n.Path)
	line(trailerActor, n.Source)
	line(trailerNamed, n.Actors...)
	line(trailerImpersonated, n.ActedAs...)
	line(trailerAuditID, n.AuditIDs...)
	return b.String()
}

// mostNotes bounds how many notes a commit has.
const mostNotes = 1000

// parseNotes reads the notes of one commit. What has another form is passed over.
func parseNotes(data []byte) []Note {
	var notes []Note
	for block := range strings.SplitSeq(string(data), "\n\n") {
		var n Note
		for line := range strings.Lines(block) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
				n.take(gitsync.Trailer{Key: key, Value: value})
			}
		}
		if n.Path != "" && len(n.Actors) > 0 && len(notes) < mostNotes {
			notes = append(notes, n)
		}
	}
	return notes
}

// mergeNotes adds notes to what is there, each once.
func mergeNotes(there []byte, more []Note) []byte {
	var blocks []string
	for _, n := range append(parseNotes(there), more...) {
		if text := n.text(); len(blocks) < mostNotes && !slices.Contains(blocks, text) {
			blocks = append(blocks, text)
		}
	}
	return []byte(strings.Join(blocks, "\n"))
}

// Notes is what was learned late, at one moment.
type Notes struct {
	snapshot *gitsync.Snapshot
	commit   gitsync.Commit
}

// Notes reads what there is.
func (r *Repository) Notes() (Notes, error) {
	tip, err := r.git.Tip(gitsync.NotesRef)
	if errors.Is(err, gitsync.ErrRefNotFound) {
		return Notes{}, nil
	}
	if err != nil {
		return Notes{}, err
	}
	var n Notes
	if n.commit, err = r.git.ReadCommit(tip); err != nil {
		return Notes{}, err
	}
	n.snapshot, err = r.git.Snapshot(tip)
	return n, err
}

// Of returns what was learned of a commit.
func (n Notes) Of(commit gitsync.Hash) ([]Note, error) {
	if n.snapshot == nil {
		return nil, nil
	}
	data, err := n.snapshot.Note(commit)
	if errors.Is(err, gitsync.ErrTooLarge) {
		return nil, nil // appbur writes none such, and a log does not end for it
	}
	if err != nil {
		return nil, fmt.Errorf("notes of %s: %w", commit.Short(), err)
	}
	return parseNotes(data), nil
}

// Commit is the newest of the notes. Its signature is of all of them: who signs them has verified those before.
func (n Notes) Commit() gitsync.Commit { return n.commit }
