package exporter

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
)

// Absence says what is known of a kind that a capture did not meet.
type Absence struct {
	// Gone is true when something other than discovery proves that the kind has no
	// objects (any more).
	Gone bool
	// Reason is the proof, or why there is none, in one line.
	Reason string
}

// Absent looks for proof that kinds which discovery did not list have no objects,
// and returns one answer for each kind. Discovery leaves kinds out without an error
// while servers start, behind balancers and when aggregated servers restart, so its
// silence proves nothing. What does:
//
//   - for a custom kind, a complete list of CustomResourceDefinitions without it;
//   - for an aggregated kind, a complete list of APIServices without its group;
//   - for a built-in kind, the server's own answer that none of the kind's versions
//     is served, and a release that has removed them or no APIService for them;
//   - for a kind that moved to another group, that the new one was read (coverage);
//   - for a kind that the rules leave out, nothing more: its files are not wanted.
//
// The error is that of ctx; a server that does not answer is no proof.
func (e *Exporter) Absent(ctx context.Context, kinds []schema.GroupVersionKind, coverage appbur.Coverage) ([]Absence, error) {
	if len(kinds) == 0 {
		return nil, ctx.Err()
	}
	a := e.absence(ctx, coverage)
	answers := make([]Absence, 0, len(kinds))
	for _, kind := range kinds {
		answers = append(answers, a.of(ctx, kind))
	}
	return answers, ctx.Err()
}

// absence is one run of Absent. Unlike discovery, it takes the witnesses only at
// their word: a list that could not be read says nothing, whatever the reason.
type absence struct {
	exporter *Exporter
	coverage appbur.Coverage
	witnesses
	// release is read when the absence of a built-in kind is to be proven.
	release    *appbur.KubeVersion
	releaseErr error
}

func (e *Exporter) absence(ctx context.Context, coverage appbur.Coverage) *absence {
	a := &absence{exporter: e, coverage: coverage}
	a.definitions, a.definitionsErr = e.definitions(ctx)
	a.registered, a.registeredErr = e.registrations(ctx)
	return a
}

func (a *absence) of(ctx context.Context, gvk schema.GroupVersionKind) Absence {
	kind := gk(gvk.Group, gvk.Kind)
	if decision, excluded := a.exporter.rules.ExcludesKind(kind); excluded {
		return Absence{Gone: true, Reason: "rule " + decision.Rule + " leaves the kind out: " + decision.Reason}
	}
	if now, moved := a.movedTo(kind); moved {
		return Absence{Gone: true, Reason: "its objects are saved as " + now.String()}
	}
	return a.witnessed(ctx, gvk)
}

// witnessed looks for proof that the kind itself does not exist, whatever the rules say.
func (a *absence) witnessed(ctx context.Context, gvk schema.GroupVersionKind) Absence {
	kind := gk(gvk.Group, gvk.Kind)
	if reason := a.mayServe(kind); reason != "" {
		return Absence{Reason: reason}
	}
	if !manifest.IsBuiltIn(gvk.Group) {
		return Absence{Gone: true, Reason: "no CustomResourceDefinition defines it and no aggregated API server is registered for its group"}
	}
	versions := compat.Versions(kind)
	if len(versions) == 0 {
		versions = []string{gvk.Version}
	}
	for _, version := range versions {
		gv := schema.GroupVersion{Group: gvk.Group, Version: version}
		if reason := a.mayServeVersion(ctx, gv, kind); reason != "" {
			return Absence{Reason: reason}
		}
	}
	return Absence{Gone: true, Reason: "the API server serves no version of it"}
}

// movedTo returns the kind that has the same objects now, if it was read completely.
func (a *absence) movedTo(kind appbur.GroupKind) (appbur.GroupKind, bool) {
	for _, c := range cohabits {
		if c.old != kind {
			continue
		}
		for _, t := range a.coverage.Types {
			if t.GroupKind() == c.now && t.Complete {
				return c.now, true
			}
		}
	}
	return appbur.GroupKind{}, false
}

// mayServe says by whom the kind may be served, "" when the witnesses show no server
// but the API server itself.
func (a *absence) mayServe(kind appbur.GroupKind) string {
	if a.definitionsErr != nil {
		return "CustomResourceDefinitions cannot be listed, so whether it still exists is not known: " + reasonOf(a.definitionsErr)
	}

	for resource, d := range a.definitions {
		if resource.Group == kind.Group && d.kind == kind.Kind {
			return "CustomResourceDefinition " + resource.String() + " still defines it"
		}
	}

	if a.registeredErr != nil {
		return "APIServices cannot be listed, so whether it still exists is not known: " + reasonOf(a.registeredErr)
	}
	if _, ok := a.registered[schema.GroupVersion{Version: "v1"}]; !ok {
		return "v1 is missing from the list of APIServices, where every API server registers it, so the list is not complete"
	}

	for gv, r := range a.registered {
		if gv.Group == kind.Group && r.backend != "" {
			return "its group is still registered for the aggregated API server behind Service " + r.backend
		}
	}
	return ""
}

// mayServeVersion says why a version of a built-in kind may still be served, "" when
// it is not.
func (a *absence) mayServeVersion(ctx context.Context, gv schema.GroupVersion, kind appbur.GroupKind) string {
	served, listed, err := a.exporter.kindsOf(ctx, gv)
	switch {
	case err != nil:
		return fmt.Sprintf("whether the API server serves %s is not known: %s", gv, reasonOf(err))
	case served[kind.Kind]:
		return fmt.Sprintf("the API server serves it at %s when requested directly", gv)
	}

	if _, registered := a.registered[gv]; !registered && !listed {
		return ""
	}
	life, _ := compat.Lifecycle(compat.GroupVersionKind{Group: gv.Group, Version: gv.Version, Kind: kind.Kind})
	if life.Removed == (appbur.KubeVersion{}) {
		return fmt.Sprintf("%s is registered, and no release is known that serves it without the kind", gv)
	}
	if a.release == nil && a.releaseErr == nil {
		a.release, a.releaseErr = a.exporter.kubernetes(ctx)
	}

	switch {
	case a.releaseErr != nil:
		return "the release of the API server is not known: " + reasonOf(a.releaseErr)
	case !a.release.AtLeast(life.Removed.Major, life.Removed.Minor):
		return fmt.Sprintf("Kubernetes %s serves it at %s, so discovery is not complete", a.release.MinorString(), gv)
	default:
		return ""
	}
}

// gone reports whether a type that discovery does not list any more is proven not to
// exist. That the rules leave it out proves nothing of the kind.
func (e *Exporter) gone(ctx context.Context, t Type) (bool, error) {
	if t.Custom {
		return e.definitionGone(ctx, t)
	}
	answer := e.absence(ctx, appbur.Coverage{}).witnessed(ctx, t.GroupVersionResource.GroupVersion().WithKind(t.Kind))
	return ctx.Err() == nil && answer.Gone, ctx.Err()
}

// kindsOf reads the kinds of one group version directly. listed is false when the
// server does not know the group version.
func (e *Exporter) kindsOf(ctx context.Context, gv schema.GroupVersion) (kinds map[string]bool, listed bool, err error) {
	path := "/apis/" + gv.String()
	if gv.Group == "" {
		path = "/api/" + gv.Version
	}

	var list struct {
		Kind      string `json:"kind"`
		Resources []struct {
			Kind string `json:"kind"`
		} `json:"resources"`
	}

	err = e.getJSON(ctx, path, &list)
	switch {
	case apierrors.IsNotFound(err):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case list.Kind != "APIResourceList" || len(list.Resources) == 0:
		return nil, false, fmt.Errorf("%w of resources", errGarbled)
	}

	kinds = make(map[string]bool, len(list.Resources))
	for _, r := range list.Resources {
		kinds[r.Kind] = true
	}
	return kinds, true, nil
}
