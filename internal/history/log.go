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
	// Person is part of the author's name or address, in any case.
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
			if !q.wrote(step.Commit) {
				continue
			}
			entry := h.entry(step)

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

func (h *History) entry(step gitsync.Step) Entry {
	return Entry{
		Commit: step.Commit, Changes: changesOf(step.Changes),
		Points: h.points[step.Hash], Provenance: repository.ProvenanceOf(step.Commit),
	}
}

func (q Query) wrote(c gitsync.Commit) bool {
	return q.Person == "" || strings.Contains(strings.ToLower(PersonText(c.Author)), strings.ToLower(q.Person))
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
