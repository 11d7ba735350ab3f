package appbur

import (
	"slices"
	"strings"
)

// TypeCoverage says how completely one resource type was captured.
type TypeCoverage struct {
	// Group, Version, Resource and Kind name the type as it was read. Resource is
	// empty, and Version is that of the files, when discovery does not list the type
	// and its files stay because nothing proves that it is gone.
	Group      string `json:"group"`
	Version    string `json:"version"`
	Resource   string `json:"resource"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced"`
	// Complete is true only after a list that reached its end. The files of an
	// incomplete type stay as they were: absence of proof is no proof of absence.
	Complete bool `json:"complete"`
	// ResourceVersion is the cluster's clock at which a complete list is true.
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// Saved and Excluded count objects; Excluded are those that a rule left out.
	Saved    int `json:"saved"`
	Excluded int `json:"excluded"`
	// Reason says why an incomplete type is incomplete, in one line.
	Reason string `json:"reason,omitempty"`
}

// GroupKind returns the kind of the type.
func (t TypeCoverage) GroupKind() GroupKind { return GroupKind{Group: t.Group, Kind: t.Kind} }

// GroupFailure is an API group that discovery could not read, so that even the
// names of its types are unknown. Broken aggregated APIs show up here.
type GroupFailure struct {
	GroupVersion string `json:"groupVersion"`
	Reason       string `json:"reason"`
	// Virtual groups store nothing: their objects are computed for each request, as
	// metrics are. Such a failure is worth knowing and no hole.
	Virtual bool `json:"virtual,omitempty"`
}

// Coverage says what a capture contains and what it does not. Types are sorted
// by group, resource and kind.
type Coverage struct {
	Types  []TypeCoverage `json:"types"`
	Groups []GroupFailure `json:"failedGroups,omitempty"`
}

// Complete reports whether every known type was captured whole and discovery
// had no hole.
func (c Coverage) Complete() bool {
	return !slices.ContainsFunc(c.Groups, func(g GroupFailure) bool { return !g.Virtual }) &&
		!slices.ContainsFunc(c.Types, func(t TypeCoverage) bool { return !t.Complete })
}

// Saved counts the objects saved over all types.
func (c Coverage) Saved() int {
	total := 0
	for _, t := range c.Types {
		total += t.Saved
	}
	return total
}

// Sort brings types and groups into the order of the file, which does not depend
// on which list finished first.
func (c *Coverage) Sort() {
	slices.SortFunc(c.Types, func(a, b TypeCoverage) int {
		if d := strings.Compare(a.Group, b.Group); d != 0 {
			return d
		}
		if d := strings.Compare(a.Resource, b.Resource); d != 0 {
			return d
		}
		return strings.Compare(a.Kind, b.Kind)
	})
	slices.SortFunc(c.Groups, func(a, b GroupFailure) int { return strings.Compare(a.GroupVersion, b.GroupVersion) })
}
