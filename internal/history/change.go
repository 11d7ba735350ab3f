package history

import (
	"bytes"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// What became of a file.
type What string

// The kinds of changes.
const (
	Added   What = "added"
	Changed What = "changed"
	Removed What = "removed"
	// Moved means that the kind of the object has another API group from now on.
	Moved What = "moved"
)

// Change is a file that differs between two states.
type Change struct {
	// Path is where the file is, or was if it was removed.
	Path string `json:"path"`
	// Object is what the path says of the object; empty for other files.
	Object string `json:"object,omitempty"`
	What   What   `json:"what"`
	// OldPath is where a moved object was.
	OldPath string `json:"oldPath,omitempty"`
	// FromVersion and ToVersion are the API versions that the object was and is
	// written as; empty where they were not requested.
	FromVersion string `json:"fromVersion,omitempty"`
	ToVersion   string `json:"toVersion,omitempty"`

	from, to gitsync.Hash
}

// changesOf turns differences into changes: a removal and an addition of one object
// under two groups of its kind are one.
func changesOf(differences []gitsync.Change) []Change {
	var list []Change
	for _, d := range differences {
		c := Change{Path: d.Path, What: Changed, from: d.From, to: d.To}
		switch {
		case d.From.IsZero():
			c.What = Added
		case d.To.IsZero():
			c.What = Removed
		}
		if place, err := appbur.ParsePlace(d.Path); err == nil {
			c.Object = place.String()
		}
		list = append(list, c)
	}
	return joinMoves(list)
}

func joinMoves(list []Change) []Change {
	for i := range list {
		if list[i].What != Added || list[i].Object == "" {
			continue
		}
		j := slices.IndexFunc(list, func(c Change) bool { return c.What == Removed && sameObject(c.Path, list[i].Path) })
		if j >= 0 {
			list[i].What, list[i].OldPath, list[i].from = Moved, list[j].Path, list[j].from
			list[j].What = "" // reported by the other
		}
	}
	return slices.DeleteFunc(list, func(c Change) bool { return c.What == "" })
}

// sameObject reports whether two paths are of one object under two groups.
func sameObject(a, b string) bool {
	cutA, cutB := strings.Split(a, "/"), strings.Split(b, "/")
	n := len(cutA)
	if n != len(cutB) || cutA[n-1] != cutB[n-1] || !slices.Equal(cutA[:n-2], cutB[:n-2]) {
		return false
	}
	return sameFamily(cutA[n-2], cutB[n-2])
}

// versionReader reads the API versions of files, each blob once.
type versionReader struct {
	blobs *gitsync.Blobs
	known map[gitsync.Hash]string
}

// knownVersions bounds what a versionReader remembers.
const knownVersions = 100_000

func (r *versionReader) of(blob gitsync.Hash) (string, error) {
	if blob.IsZero() {
		return "", nil
	}
	if version, ok := r.known[blob]; ok {
		return version, nil
	}
	data, err := r.blobs.Read(blob)
	if err != nil {
		return "", err
	}
	if len(r.known) >= knownVersions {
		clear(r.known)
	}
	r.known[blob] = apiVersionOf(data)
	return r.known[blob], nil
}

func (r *versionReader) fill(changes []Change) error {
	for i := range changes {
		var err error
		if changes[i].FromVersion, err = r.of(changes[i].from); err != nil {
			return err
		}
		if changes[i].ToVersion, err = r.of(changes[i].to); err != nil {
			return err
		}
	}
	return nil
}

// apiVersionOf finds the API version without reading all of the YAML: the key is at
// the first column of its line, and its value is plain or quoted text.
func apiVersionOf(data []byte) string {
	for line := range bytes.Lines(data) {
		if value, ok := bytes.CutPrefix(line, []byte("apiVersion:")); ok {
			return strings.Trim(strings.TrimSpace(string(value)), `"'`)
		}
	}
	return ""
}
