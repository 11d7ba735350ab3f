package exporter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
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
// reported beside the types of all others. The error is for when no discovery was
// possible at all.
func (e *Exporter) Discover(ctx context.Context) ([]Type, []appbur.GroupFailure, error) {
	var lists []*metav1.APIResourceList
	var failed []appbur.GroupFailure
	err := retry(ctx, e.timing.first(), func(ctx context.Context) error {
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

	definitions, err := e.definitions(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		e.options.Log.Warn("cannot read CustomResourceDefinitions; custom resources are read at their most stable version", "err", err)
	}
	types := chooseTypes(lists, definitions)
	failed = append(failed, undiscovered(types, failed, definitions)...)
	markVirtual(failed)
	slices.SortFunc(failed, func(a, b appbur.GroupFailure) int { return strings.Compare(a.GroupVersion, b.GroupVersion) })
	return types, failed, nil
}

// chooseTypes picks for each group-kind the version to read.
func chooseTypes(lists []*metav1.APIResourceList, definitions map[schema.GroupResource]definition) []Type {
	kinds := make(map[appbur.GroupKind]map[string]Type) // by version
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, resource := range list.APIResources {
			if strings.Contains(resource.Name, "/") || !hasVerbs(resource.Verbs, "list", "get", "create") {
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
		if _, served := kinds[c.now]; served {
			delete(kinds, c.old)
		}
	}
	types := make([]Type, 0, len(kinds))
	for _, versions := range kinds {
		order := slices.SortedFunc(maps.Keys(versions), func(a, b string) int { return version.CompareKubeAwareVersionStrings(b, a) })
		chosen := versions[order[0]]
		defined, custom := definitions[chosen.GroupVersionResource.GroupResource()]
		if at, served := versions[defined.stored]; custom && served {
			chosen = at
		}
		chosen.Custom, chosen.Versions = custom, order
		types = append(types, chosen)
	}
	slices.SortFunc(types, func(a, b Type) int {
		if d := strings.Compare(a.GroupVersionResource.Group, b.GroupVersionResource.Group); d != 0 {
			return d
		}
		return strings.Compare(a.GroupVersionResource.Resource, b.GroupVersionResource.Resource)
	})
	return types
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

// skipped returns the coverage of a type that the rules leave out as a whole. It is
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
