package exporter

import (
	"context"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
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
	// versions are those that are to be served.
	versions []string
	// lossless are the served versions that keep every field of whatever is stored, or
	// nil where a webhook converts and only it knows.
	lossless []string
	// lossy is true when there are versions, none of which does.
	lossy bool
	// established definitions are served; only they can have objects. One that was
	// established once stays so until it is gone.
	established bool
	deleting    bool
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
	metadata, _ := crd["metadata"].(map[string]any)
	spec, _ := crd["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	group, _ := spec["group"].(string)
	plural, _ := names["plural"].(string)
	var d definition
	d.kind, _ = names["kind"].(string)

	versions, _ := spec["versions"].([]any)
	for _, each := range versions {
		v, _ := each.(map[string]any)
		name, _ := v["name"].(string)
		if stored, _ := v["storage"].(bool); stored {
			d.stored = name
		}
		if served, _ := v["served"].(bool); served {
			d.versions = append(d.versions, name)
		}
	}

	d.lossless, d.lossy = losslessVersions(crd, spec, versions)
	_, d.deleting = metadata["deletionTimestamp"]
	d.established = established(crd)
	return schema.GroupResource{Group: group, Resource: plural}, d, group != "" && plural != "" && d.stored != ""
}

func established(crd map[string]any) bool {
	status, _ := crd["status"].(map[string]any)
	conditions, _ := status["conditions"].([]any)
	return slices.ContainsFunc(conditions, func(each any) bool {
		c, _ := each.(map[string]any)
		return c["type"] == "Established" && c["status"] == "True"
	})
}

// undiscovered reports the custom resources that the API server may hold and did
// not list. Discovery lags behind for some seconds after a definition is
// established and after a restart; without this check their objects would look as
// if they had been deleted. found are the kinds to be read.
func undiscovered(found map[appbur.GroupKind]bool, known []appbur.GroupFailure,
	definitions map[schema.GroupResource]definition,
) []appbur.GroupFailure {
	var missing []appbur.GroupFailure
	compare := func(a, b schema.GroupResource) int { return strings.Compare(a.String(), b.String()) }
	for _, resource := range slices.SortedFunc(maps.Keys(definitions), compare) {
		d := definitions[resource]
		gv := schema.GroupVersion{Group: resource.Group, Version: d.stored}
		if !d.established || found[gk(resource.Group, d.kind)] || isReported(known, gv) || isReported(missing, gv) {
			continue
		}
		reason := "CustomResourceDefinition " + resource.String() + " is established, but discovery does not list it yet"
		switch {
		case d.deleting:
			reason = "CustomResourceDefinition " + resource.String() + " is being deleted, and discovery does not list it any more"
		case len(d.versions) == 0:
			reason = "CustomResourceDefinition " + resource.String() + " serves no version, so its objects cannot be read"
		}
		missing = append(missing, appbur.GroupFailure{GroupVersion: gv.String(), Reason: reason})
	}

	return missing
}

// definitionGone reports whether the definition of a custom type does not exist.
// Only an answer of the server counts.
func (e *Exporter) definitionGone(ctx context.Context, t Type) (bool, error) {
	name := t.GroupVersionResource.GroupResource().String()
	err := e.get(customResourceDefinitions.path(), name).Do(ctx).Error()
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	return false, err
}
