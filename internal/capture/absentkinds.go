package capture

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/exporter"
)

// ForgetKinds removes the files of kinds that the coverage does not know and that
// are proven to be gone: the definition of a custom resource was deleted, an
// aggregated API was unregistered, or a new Kubernetes release dropped the kind. The
// kinds without a proof keep their files; they are in the coverage that it returns,
// as types that were not read.
func ForgetKinds(ctx context.Context, source Prover, writer Writer, coverage appbur.Coverage) (appbur.Coverage, error) {
	saved, err := writer.KindsBeside(coverage)
	if err != nil || len(saved) == 0 {
		return coverage, err
	}
	kinds := make([]schema.GroupVersionKind, len(saved))
	for i, kind := range saved {
		kinds[i] = schema.GroupVersionKind{Group: kind.Group, Version: kind.Version, Kind: kind.Kind}
	}
	absences, err := source.Absent(ctx, kinds, coverage)
	if err != nil {
		return coverage, err
	}

	// The caller's coverage is not modified.
	known := coverage
	coverage.Types = append([]appbur.TypeCoverage(nil), known.Types...)

	for i, absence := range absences {
		kind := saved[i]
		if absence.Gone {
			if err := writer.KeepOnly(kind.GroupKind, nil); err != nil {
				return coverage, err
			}
			continue
		}
		coverage.Types = append(coverage.Types, appbur.TypeCoverage{
			Group: kind.Group, Version: kind.Version, Kind: kind.Kind, Namespaced: kind.Namespaced,
			Reason: whyKept(known, kind.Group, absence),
		})
	}

	coverage.Sort()
	return coverage, nil
}

// Prover is what ForgetKinds needs of a [Source].
type Prover interface {
	Absent(ctx context.Context, kinds []schema.GroupVersionKind, coverage appbur.Coverage) ([]exporter.Absence, error)
}

// whyKept prefers what discovery said about the group of a kind: that is the cause,
// the lack of a proof is not.
func whyKept(coverage appbur.Coverage, group string, absence exporter.Absence) string {
	for _, failure := range coverage.Groups {
		if failure.GroupVersion != exporter.EveryGroup && groupOf(failure.GroupVersion) == group {
			return failure.Reason
		}
	}
	return "discovery does not list it, and nothing proves that it is gone: " + absence.Reason
}

// groupOf returns the group of "group/version"; that of the core API is not written.
func groupOf(groupVersion string) string {
	group, _, named := strings.Cut(groupVersion, "/")
	if !named {
		return ""
	}
	return group
}
