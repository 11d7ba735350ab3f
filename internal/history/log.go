package history

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Query says which commits a log is about. Conditions that are not set hold for all.
type Query struct {
	// From is where the log begins and goes back from; empty is the tip of main.
	From      gitsync.Hash
	Selection Selection
	// Since and Until are compared with the time of the commit.
	Since, Until time.Time
	// Person is part of the name or address of the author, or of who is known to have taken part, in any case.
	Person string
	// APIVersion keeps changes of objects that were or are written as this version.
	APIVersion string
	// VersionChanges keeps changes of the API version alone.
	VersionChanges bool
	// Versions adds the API versions to each change, which costs reading the files.
	Versions bool
	// Limit is how many entries are wanted; zero is all.
	Limit int
}

// Entry is a commit of the log.
type Entry struct {
	Commit gitsync.Commit
	// Changes are the selected files that differ from the first parent.
	Changes    []Change
	Points     []appbur.RestorePointID
	Provenance repository.Provenance
	// Notes are what was learned of the selected changes after the commit was made.
	Notes []repository.Note
}

// Log yields the commits that fit a query, newest first.
func (h *History) Log(ctx context.Context, q Query) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		from := q.From
		if from.IsZero() {
			from = h.tip
		}
		versions := &versionReader{blobs: h.git.Blobs(), known: map[gitsync.Hash]string{}}
		defer versions.blobs.Close()
		found := 0

		for step, err := range h.git.Walk(ctx, from, gitsync.WalkOptions{Patterns: q.Selection.patterns, Since: q.Since, Until: q.Until}) {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			entry, err := h.entry(step)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if !q.wrote(entry) {
				continue
			}

			if q.readsVersions() {
				if err := versions.fill(entry.Changes); err != nil {
					yield(Entry{}, err)
					return
				}
			}
			if entry.Changes = slices.DeleteFunc(entry.Changes, q.leavesOut); len(entry.Changes) == 0 && q.filtersChanges() {
				continue
			}
			found++
			if !yield(entry, nil) || found == q.Limit {
				return
			}
		}
	}
}

func (h *History) entry(step gitsync.Step) (Entry, error) {
	e := Entry{
		Commit: step.Commit, Changes: changesOf(step.Changes),
		Points: h.points[step.Hash], Provenance: repository.ProvenanceOf(step.Commit),
	}
	notes, err := h.notes.Of(step.Hash)
	if err != nil {
		return Entry{}, err
	}
	for _, n := range notes {
		if slices.ContainsFunc(e.Changes, func(c Change) bool { return c.Path == n.Path || c.OldPath == n.Path }) {
			e.Notes = append(e.Notes, n)
		}
	}
	return e, nil
}

// wrote reports whether somebody is behind a commit: as its author, or as one who took part, be it that this was learned
// later.
func (q Query) wrote(e Entry) bool {
	if q.Person == "" {
		return true
	}
	people := append([]string{PersonText(e.Commit.Author)}, e.Provenance.Actors...)
	for _, n := range e.Notes {
		people = append(people, n.Actors...)
	}
	return slices.ContainsFunc(people, func(person string) bool {
		return strings.Contains(strings.ToLower(person), strings.ToLower(q.Person))
	})
}

func (q Query) filtersChanges() bool { return q.APIVersion != "" || q.VersionChanges }

func (q Query) readsVersions() bool { return q.Versions || q.filtersChanges() }

func (q Query) leavesOut(c Change) bool {
	if q.APIVersion != "" && c.FromVersion != q.APIVersion && c.ToVersion != q.APIVersion {
		return true
	}
	return q.VersionChanges && (c.FromVersion == c.ToVersion || c.FromVersion == "" || c.ToVersion == "")
}

// PersonText writes a person as git does: "name <address>".
func PersonText(p gitsync.Person) string { return p.Name + " <" + p.Email + ">" }
