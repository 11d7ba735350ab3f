package appbur

import (
	"fmt"
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
	// Failed counts objects that were read and could not be saved. The file that such
	// an object had before stays.
	Failed int `json:"failed,omitempty"`
	// Unsaved names the first of them, at most [MostUnsaved], sorted.
	Unsaved []Unsaved `json:"unsaved,omitempty"`
}

// MostUnsaved is how many objects a [TypeCoverage] names at most. More than a
// few have one cause.
const MostUnsaved = 100

// Unsaved is an object that was read and could not be saved.
type Unsaved struct {
	Namespace string `json:"namespace,omitempty"`
	// Name is empty for what has none.
	Name string `json:"name,omitempty"`
	// Reason is one line.
	Reason string `json:"reason"`
}

// Whole reports whether the list of the type reached its end and each of its objects
// could be saved.
func (t TypeCoverage) Whole() bool { return t.Complete && t.Failed == 0 }

// Hole says in one line what is missing of a type that is not [TypeCoverage.Whole].
func (t TypeCoverage) Hole() string {
	var parts []string
	if !t.Complete {
		parts = append(parts, t.Reason)
	}
	if t.Failed > 0 {
		parts = append(parts, t.unsaved())
	}
	return strings.Join(parts, "; ")
}

func (t TypeCoverage) unsaved() string {
	count := fmt.Sprintf("%d objects could not be saved", t.Failed)
	if t.Failed == 1 {
		count = "1 object could not be saved"
	}
	if len(t.Unsaved) == 0 {
		return count
	}
	first := t.Unsaved[0]
	name := ObjectID{Group: t.Group, Kind: t.Kind, Namespace: first.Namespace, Name: first.Name}.String()
	if t.Failed > 1 {
		count += ", the first is"
	} else {
		count += ":"
	}
	return count + " " + name + ": " + first.Reason
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

// Complete reports whether every known type was captured completely, none of its objects
// failed, and discovery had no hole.
func (c Coverage) Complete() bool {
	return !slices.ContainsFunc(c.Groups, func(g GroupFailure) bool { return !g.Virtual }) &&
		!slices.ContainsFunc(c.Types, func(t TypeCoverage) bool { return !t.Whole() })
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
