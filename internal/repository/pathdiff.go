package repository

import (
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// PathChange is a manifest that differs between two points.
type PathChange struct {
	Path string `json:"path"`
	// What is "added", "changed" or "removed", seen from the first point.
	What string `json:"what"`
}

// Diff lists the manifests that differ between two points, sorted by path.
// Secrets count as changed when their ciphertext differs; values are not shown.
func (r *Repository) Diff(from, to PointRef) ([]PathChange, error) {
	differences, err := r.git.Diff(from.Commit, to.Commit)
	if err != nil {
		return nil, err
	}
	var list []PathChange

	for _, d := range differences {
		if !appbur.IsManifestPath(d.Path) {
			continue
		}
		what := "changed"
		switch {
		case d.From.IsZero():
			what = "added"
		case d.To.IsZero():
			what = "removed"
		}
		list = append(list, PathChange{d.Path, what})
	}

	slices.SortFunc(list, func(a, b PathChange) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}
