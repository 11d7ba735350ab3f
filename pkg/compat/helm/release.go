package helm

import (
	"slices"

	"github.com/appbur/appbur"
)

// Release is one revision of a release, made by [Read]. It holds the text of the
// manifests for [Judge] and gives none of it away.
type Release struct {
	record  appbur.ObjectID
	summary appbur.HelmRelease
	// documents gives the text. It is a function because fmt follows pointers for
	// some verbs, and functions for none: a Release in a log line shows no manifest.
	documents func() []document
}

// Record is the id of the Secret or ConfigMap that holds the revision. Its
// namespace is where Helm was configured to store records, which need not be the
// namespace of the release.
func (r Release) Record() appbur.ObjectID { return r.record }

// Summary returns the identities in the record, sorted and without repetitions.
func (r Release) Summary() appbur.HelmRelease {
	s := r.summary
	s.Objects = slices.Clone(s.Objects)
	slices.SortFunc(s.Objects, appbur.HelmObject.Compare)
	s.Objects = slices.Compact(s.Objects)
	return s
}
