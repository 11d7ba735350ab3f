package exporter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"

	"github.com/appbur/appbur"
)

// Type is one kind of object and how to read it.
type Type struct {
	// GroupVersionResource names the path that it is read at.
	GroupVersionResource schema.GroupVersionResource
	Kind                 string
	Namespaced           bool
	// Aliases are the other names that people may use: the singular and the short
	// names.
	Aliases []string
	// Watchable types can be watched; all can be listed, read and created.
	Watchable bool
	// Custom types are defined by a CustomResourceDefinition.
	Custom bool
	// Versions are all served versions, the most stable first.
	Versions []string
}

// GroupKind returns the kind without its version.
func (t Type) GroupKind() appbur.GroupKind {
	return appbur.GroupKind{Group: t.GroupVersionResource.Group, Kind: t.Kind}
}

// String returns "resource.version.group".
func (t Type) String() string {
	gvr := t.GroupVersionResource
	if gvr.Group == "" {
		return gvr.Resource + "." + gvr.Version
	}
	return gvr.Resource + "." + gvr.Version + "." + gvr.Group
}

// path is where objects of the type are listed.
func (t Type) path() string {
	gvr := t.GroupVersionResource
	if gvr.Group == "" {
		return "/api/" + gvr.Version + "/" + gvr.Resource
	}
	return "/apis/" + gvr.Group + "/" + gvr.Version + "/" + gvr.Resource
}

// coverage returns the coverage of the type with nothing in it.
func (t Type) coverage() appbur.TypeCoverage {
	gvr := t.GroupVersionResource
	return appbur.TypeCoverage{Group: gvr.Group, Version: gvr.Version, Resource: gvr.Resource, Kind: t.Kind, Namespaced: t.Namespaced}
}

// Discover finds every type whose objects can be listed, read and created, each
// group-kind once, sorted by group and resource. Groups that cannot be read are
// reported together with the types of all others, and so is what the API server registers
// or defines and discovery leaves out without an error. The error is for when no
// discovery was possible at all.
func (e *Exporter) Discover(ctx context.Context) ([]Type, []appbur.GroupFailure, error) {
	var lists []*metav1.APIResourceList
	var failed []appbur.GroupFailure
	err := retry(ctx, e.timing.first(), func(ctx context.Context) error {
		// The client for discovery bounds no request by itself.
		ctx, cancel := context.WithTimeout(ctx, e.options.Timeout)
		defer cancel()
		var err error
		_, lists, err = e.discovery.ServerGroupsAndResourcesWithContext(ctx)
		failed = failed[:0]
		var groups *discovery.ErrGroupDiscoveryFailed
		if errors.As(err, &groups) {
			for gv, cause := range groups.Groups {
				failed = append(failed, appbur.GroupFailure{GroupVersion: gv.String(), Reason: reasonOf(cause)})
			}
			return nil
		}
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("discovering the types of the cluster: %w", explain(err))
	}

	w, err := e.readWitnesses(ctx, lists)
	if err != nil {
		return nil, nil, err
	}
	if w.definitionsErr != nil {
		e.options.Log.Warn("cannot read CustomResourceDefinitions; custom resources are read at their most stable version", "err",
			w.definitionsErr)
	}

	e.tellLossy(&w)
	failed = w.holes(lists, failed)
	types, found := chooseTypes(lists, &w, failed)
	failed = append(failed, undiscovered(found, failed, w.definitions)...)
	markVirtual(failed)
	slices.SortFunc(failed, func(a, b appbur.GroupFailure) int { return strings.Compare(a.GroupVersion, b.GroupVersion) })
	return types, failed, nil
}

// chooseTypes picks for each group-kind the version to read, and leaves out those
// whose version is not settled. found are the kinds that it did pick.
func chooseTypes(lists []*metav1.APIResourceList, w *witnesses, failed []appbur.GroupFailure) (types []Type,
	found map[appbur.GroupKind]bool,
) {
	kinds := make(map[appbur.GroupKind]map[string]Type) // by version
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, resource := range list.APIResources {
			if !w.readable(gv, resource) {
				continue
			}
			t := Type{
				GroupVersionResource: gv.WithResource(resource.Name), Kind: resource.Kind,
				Namespaced: resource.Namespaced, Watchable: hasVerbs(resource.Verbs, "watch"),
				Aliases: aliases(resource),
			}
			versions := kinds[t.GroupKind()]
			if versions == nil {
				versions = make(map[string]Type)
				kinds[t.GroupKind()] = versions
			}
			// Two resources of one kind would be the same objects under two names.
			if other, ok := versions[gv.Version]; !ok || resource.Name < other.GroupVersionResource.Resource {
				versions[gv.Version] = t
			}
		}
	}

	for _, c := range cohabits {
		_, served := kinds[c.now]
		// Under the older name only while the newer is not served, not while it cannot
		// be seen.
		if served || slices.ContainsFunc(failed, func(f appbur.GroupFailure) bool { return strings.HasPrefix(f.GroupVersion, c.now.Group+"/") }) {
			delete(kinds, c.old)
		}
	}

	found = make(map[appbur.GroupKind]bool, len(kinds))
	for kind, versions := range kinds {
		order := slices.SortedFunc(maps.Keys(versions), func(a, b string) int { return version.CompareKubeAwareVersionStrings(b, a) })
		chosen := versions[order[0]]
		if at, served := versions[w.definitions[chosen.GroupVersionResource.GroupResource()].readAt()]; served {
			chosen = at
		}
		chosen.Custom, chosen.Versions = w.isCustom(chosen), order
		if w.settled(chosen, failed) {
			types = append(types, chosen)
			found[kind] = true
		}
	}

	slices.SortFunc(types, func(a, b Type) int {
		if d := strings.Compare(a.GroupVersionResource.Group, b.GroupVersionResource.Group); d != 0 {
			return d
		}
		return strings.Compare(a.GroupVersionResource.Resource, b.GroupVersionResource.Resource)
	})

	return types, found
}

// readable reports whether objects of a resource can be saved. A custom resource
// whose definition is being deleted can be read and not created; what is left of
// its objects is read until it is gone.
func (w *witnesses) readable(gv schema.GroupVersion, resource metav1.APIResource) bool {
	if strings.Contains(resource.Name, "/") || !hasVerbs(resource.Verbs, "list", "get") {
		return false
	}
	_, defined := w.definitions[gv.WithResource(resource.Name).GroupResource()]
	return defined || hasVerbs(resource.Verbs, "create")
}

func aliases(resource metav1.APIResource) []string {
	var names []string
	if resource.SingularName != "" {
		names = append(names, resource.SingularName)
	}
	return append(names, resource.ShortNames...)
}

func hasVerbs(verbs metav1.Verbs, want ...string) bool {
	return !slices.ContainsFunc(want, func(verb string) bool { return !slices.Contains(verbs, verb) })
}

// skipped returns the coverage of a type that the rules leave out completely. It is
// complete without being read: nothing of it is ever saved.
func (e *Exporter) skipped(t Type) (appbur.TypeCoverage, bool) {
	decision, excluded := e.rules.ExcludesKind(t.GroupKind())
	if !excluded {
		return appbur.TypeCoverage{}, false
	}
	c := t.coverage()
	c.Complete = true
	c.Reason = "not read: " + decision.Rule + ": " + decision.Reason
	return c, true
}
