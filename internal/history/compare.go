package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/appbur/appbur/pkg/gitsync"
)

// Compare returns the selected files that differ between two states of main, sorted by
// path. A state before the first commit is empty.
func (h *History) Compare(from, to gitsync.Hash, s Selection) ([]Change, error) {
	differences, err := h.git.Diff(from, to)
	if err != nil {
		return nil, err
	}
	changes := changesOf(slices.DeleteFunc(differences, func(d gitsync.Change) bool { return !s.has(d.Path) }))
	versions := &versionReader{blobs: h.git.Blobs(), known: map[gitsync.Hash]string{}}
	defer versions.blobs.Close()
	return changes, versions.fill(changes)
}

// has reports whether a path is selected.
func (s Selection) has(path string) bool {
	return len(s.patterns) == 0 || slices.ContainsFunc(s.patterns, func(p gitsync.Pattern) bool { return p.Matches(path) })
}

// FieldReader describes changes by their fields. It serves one goroutine and must be closed.
type FieldReader struct{ blobs *gitsync.Blobs }

// FieldReader returns a reader of fields.
func (h *History) FieldReader() *FieldReader { return &FieldReader{h.git.Blobs()} }

// Close closes open files.
func (r *FieldReader) Close() { r.blobs.Close() }

// Of describes a change by its fields ([Fields]); an object that was added or removed has
// none.
func (r *FieldReader) Of(c Change) ([]FieldChange, error) {
	if c.from.IsZero() || c.to.IsZero() {
		return nil, nil
	}
	before, err := r.blobs.Read(c.from)
	if err != nil {
		return nil, err
	}
	after, err := r.blobs.Read(c.to)
	if err != nil {
		return nil, err
	}
	return Fields(before, after), nil
}

// Entry returns one commit with what it changed.
func (h *History) Entry(ctx context.Context, commit gitsync.Hash) (Entry, error) {
	for entry, err := range h.Log(ctx, Query{From: commit, Limit: 1, Versions: true}) {
		return entry, err
	}
	return Entry{}, fmt.Errorf("commit %s: %w", commit, ErrNotFound)
}

// File is a file of one state.
type File struct {
	Path string
	Data []byte
}

// File returns the one selected object as it was in a state.
func (h *History) File(commit gitsync.Hash, s Selection) (File, error) {
	gone := &NotFoundError{Sought: SoughtState, text: s.String() + " at that time"}
	if commit.IsZero() {
		return File{}, gone
	}
	snapshot, err := h.git.Snapshot(commit)
	if err != nil {
		return File{}, err
	}
	for _, path := range s.paths {
		data, err := snapshot.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return File{Path: path, Data: data}, err
	}
	return File{}, gone
}

// Blame returns who wrote each line of the selected object as it was in a state, and
// the commits by their hash.
func (h *History) Blame(ctx context.Context, commit gitsync.Hash, s Selection) (File, []gitsync.BlameLine, map[gitsync.Hash]gitsync.Commit,
	error,
) {
	file, err := h.File(commit, s)
	if err != nil {
		return File{}, nil, nil, err
	}
	lines, commits, err := h.git.Blame(ctx, commit, s.paths...)
	return file, lines, commits, err
}

// Filter keeps the changes of selected files.
func (s Selection) Filter(changes []Change) []Change {
	return slices.DeleteFunc(changes, func(c Change) bool { return !s.has(c.Path) })
}
