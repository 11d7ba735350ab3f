package exporter

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// customResourceDefinitions is how the definitions themselves are read here.
var customResourceDefinitions = Type{
	GroupVersionResource: schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
	Kind:                 "CustomResourceDefinition", Watchable: true,
}

// definition is what discovery needs to know of a CustomResourceDefinition.
type definition struct {
	kind   string
	stored string
	// served is true when the API server says that it serves some version.
	served bool
}

// definitions reads every CustomResourceDefinition, by the resource it defines.
func (e *Exporter) definitions(ctx context.Context) (map[schema.GroupResource]definition, error) {
	found := make(map[schema.GroupResource]definition)
	_, err := e.pages(ctx, customResourceDefinitions, func(items []map[string]any) error {
		for _, item := range items {
			if resource, d, ok := definitionOf(item); ok {
				found[resource] = d
			}
		}
		return nil
	}, func() { clear(found) })
	if err != nil {
		return nil, err
	}
	return found, nil
}

// definitionOf reads one CustomResourceDefinition.
func definitionOf(crd map[string]any) (schema.GroupResource, definition, bool) {
	spec, _ := crd["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	group, _ := spec["group"].(string)
	plural, _ := names["plural"].(string)
	var d definition
	d.kind, _ = names["kind"].(string)
	anyServed := false
	versions, _ := spec["versions"].([]any)
	for _, each := range versions {
		v, _ := each.(map[string]any)
		if stored, _ := v["storage"].(bool); stored {
			d.stored, _ = v["name"].(string)
		}
		served, _ := v["served"].(bool)
		anyServed = anyServed || served
	}
	d.served = anyServed && established(crd)
	return schema.GroupResource{Group: group, Resource: plural}, d, group != "" && plural != "" && d.stored != ""
}

func established(crd map[string]any) bool {
	metadata, _ := crd["metadata"].(map[string]any)
	if _, deleting := metadata["deletionTimestamp"]; deleting {
		return false
	}
	status, _ := crd["status"].(map[string]any)
	conditions, _ := status["conditions"].([]any)
	return slices.ContainsFunc(conditions, func(each any) bool {
		c, _ := each.(map[string]any)
		return c["type"] == "Established" && c["status"] == "True"
	})
}

// undiscovered reports the custom resources that the API server should serve but
// did not list. Discovery lags behind for some seconds after a definition is
// established and after a restart; without this check their objects would look as
// if they had been deleted.
func undiscovered(types []Type, known []appbur.GroupFailure, definitions map[schema.GroupResource]definition) []appbur.GroupFailure {
	listed := make(map[appbur.GroupKind]bool, len(types))
	for _, t := range types {
		listed[t.GroupKind()] = true
	}
	var missing []appbur.GroupFailure
	compare := func(a, b schema.GroupResource) int { return strings.Compare(a.String(), b.String()) }
	for _, resource := range slices.SortedFunc(maps.Keys(definitions), compare) {
		d := definitions[resource]
		gv := schema.GroupVersion{Group: resource.Group, Version: d.stored}.String()
		reported := slices.ContainsFunc(known, func(f appbur.GroupFailure) bool { return f.GroupVersion == gv })
		if d.served && !reported && !listed[gk(resource.Group, d.kind)] {
			missing = append(missing, appbur.GroupFailure{GroupVersion: gv, Reason: "CustomResourceDefinition " + resource.String() + " is established, but discovery does not list it yet"})
		}
	}
	return missing
}

// definitionGone reports whether the definition of a custom type does not exist.
// Only an answer of the server counts.
func (e *Exporter) definitionGone(ctx context.Context, t Type) (bool, error) {
	name := t.GroupVersionResource.GroupResource().String()
	err := e.client.Get().AbsPath(customResourceDefinitions.path(), name).Timeout(requestTimeout).Do(ctx).Error()
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	return false, err
}
