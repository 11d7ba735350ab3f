package exporter

import (
	"context"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// EveryGroup means all groups in a group failure: which types exist besides
// those that were found is not known, whatever their group.
const EveryGroup = "*"

// apiServices is how registrations are read here.
var apiServices = Type{
	GroupVersionResource: schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"},
	Kind:                 "APIService", Watchable: true,
}

// registration is what discovery needs to know of an APIService: each group version
// that an API server serves has one, built-in and custom ones included.
type registration struct {
	// backend names the Service of an aggregated API server, "" for what the API
	// server serves itself.
	backend string
	// unavailable says why the API server does not pass requests on.
	unavailable string
}

// registrations reads every APIService, by what it registers.
func (e *Exporter) registrations(ctx context.Context) (map[schema.GroupVersion]registration, error) {
	found := make(map[schema.GroupVersion]registration)
	_, err := e.pages(ctx, apiServices, func(items []map[string]any) error {
		for _, item := range items {
			if gv, r, ok := registrationOf(item); ok {
				found[gv] = r
			}
		}
		return nil
	}, func() { clear(found) })
	if err != nil {
		return nil, err
	}
	return found, nil
}

func registrationOf(apiService map[string]any) (schema.GroupVersion, registration, bool) {
	spec, _ := apiService["spec"].(map[string]any)
	var gv schema.GroupVersion
	gv.Group, _ = spec["group"].(string)
	gv.Version, _ = spec["version"].(string)
	var r registration
	if service, ok := spec["service"].(map[string]any); ok {
		namespace, _ := service["namespace"].(string)
		name, _ := service["name"].(string)
		r.backend = namespace + "/" + name
	}
	status, _ := apiService["status"].(map[string]any)

	conditions, _ := status["conditions"].([]any)
	for _, each := range conditions {
		c, _ := each.(map[string]any)
		if c["type"] == "Available" && c["status"] != "True" {
			reason, _ := c["reason"].(string)
			message, _ := c["message"].(string)
			r.unavailable = strings.TrimSpace(reason + ": " + message)
		}
	}

	return gv, r, gv.Version != ""
}

// witnesses are what the API server says about its types elsewhere than in
// discovery. Discovery leaves things out without an error: while a server starts,
// behind a balancer, and where client-go takes a refusal for an empty answer.
type witnesses struct {
	definitions    map[schema.GroupResource]definition
	definitionsErr error
	registered     map[schema.GroupVersion]registration
	registeredErr  error
}

// readWitnesses reads what is used besides discovery. Its error is that of the context.
func (e *Exporter) readWitnesses(ctx context.Context, lists []*metav1.APIResourceList) (witnesses, error) {
	var w witnesses
	w.definitions, w.definitionsErr = e.definitions(ctx)
	w.registered, w.registeredErr = e.registrations(ctx)
	// A server without these APIs has no custom resources and no aggregation.
	for _, each := range []struct {
		err *error
		gv  schema.GroupVersion
	}{
		{&w.definitionsErr, customResourceDefinitions.GroupVersionResource.GroupVersion()},
		{&w.registeredErr, apiServices.GroupVersionResource.GroupVersion()},
	} {
		if isAbsent(*each.err) && !discovers(lists, each.gv) {
			*each.err = nil
		}
	}
	return w, ctx.Err()
}

func discovers(lists []*metav1.APIResourceList, gv schema.GroupVersion) bool {
	return slices.ContainsFunc(lists, func(list *metav1.APIResourceList) bool {
		return list.GroupVersion == gv.String() && len(list.APIResources) > 0
	})
}

// isCustom reports whether a type is defined by a CustomResourceDefinition. One
// that was deleted a moment ago is recognised by its registration.
func (w *witnesses) isCustom(t Type) bool {
	if _, defined := w.definitions[t.GroupVersionResource.GroupResource()]; defined {
		return true
	}
	r, registered := w.registered[t.GroupVersionResource.GroupVersion()]
	return registered && r.backend == "" && !manifest.IsBuiltIn(t.GroupVersionResource.Group)
}

// holes adds to the failures of discovery what the witnesses know and discovery
// does not say.
func (w *witnesses) holes(lists []*metav1.APIResourceList, failed []appbur.GroupFailure) []appbur.GroupFailure {
	for i := range failed {
		if gv, err := schema.ParseGroupVersion(failed[i].GroupVersion); err == nil {
			failed[i].Reason = w.registered[gv].explain(failed[i].Reason)
		}
	}

	add := func(gv schema.GroupVersion, reason string) {
		if !isReported(failed, gv) {
			failed = append(failed, appbur.GroupFailure{GroupVersion: gv.String(), Reason: reason})
		}
	}
	for _, list := range lists {
		if gv, err := schema.ParseGroupVersion(list.GroupVersion); err == nil && len(list.APIResources) == 0 {
			add(gv, w.registered[gv].explain("discovery lists no types of it"))
		}
	}

	for gv, r := range w.registered {
		if !discovers(lists, gv) && (r.backend != "" || manifest.IsBuiltIn(gv.Group) || w.defines(gv)) {
			add(gv, r.explain("it is registered, but discovery does not list it"))
		}
	}

	switch {
	case w.definitionsErr != nil:
		add(schema.GroupVersion{Version: EveryGroup},
			"CustomResourceDefinitions cannot be listed, so which custom types exist is not known: "+reasonOf(w.definitionsErr))
	case w.registeredErr != nil:
		add(schema.GroupVersion{Version: EveryGroup},
			"APIServices cannot be listed, so what discovery leaves out is not known: "+reasonOf(w.registeredErr))
	case !discovers(lists, schema.GroupVersion{Version: "v1"}):
		add(schema.GroupVersion{Version: "v1"}, "discovery lists no types of it")
	}

	return failed
}

// defines reports whether a definition serves the group version. Until one is
// known not to, it does.
func (w *witnesses) defines(gv schema.GroupVersion) bool {
	if w.definitionsErr != nil {
		return true
	}
	for resource, d := range w.definitions {
		if resource.Group == gv.Group && slices.Contains(d.versions, gv.Version) {
			return true
		}
	}
	return false
}

// explain puts what the API server knows of a broken backend before the reason.
func (r registration) explain(reason string) string {
	if r.backend == "" || r.unavailable == "" {
		return reason
	}
	return "the aggregated API server behind it, Service " + r.backend + ", does not answer: " + shortLine(r.unavailable)
}

func isReported(failed []appbur.GroupFailure, gv schema.GroupVersion) bool {
	return slices.ContainsFunc(failed, func(f appbur.GroupFailure) bool { return f.GroupVersion == gv.String() })
}

// settled reports whether the version that was chosen for a type would also be
// chosen if nothing had failed. A type that is not settled is not read at another
// version meanwhile: every file of it would change and change back.
func (w *witnesses) settled(t Type, failed []appbur.GroupFailure) bool {
	gvr := t.GroupVersionResource
	if d, defined := w.definitions[gvr.GroupResource()]; defined {
		at := d.readAt()
		return at == "" || gvr.Version == at
	}
	if !manifest.IsBuiltIn(gvr.Group) {
		// Without its definition a custom type with several versions has no known
		// storage version. Where definitions may not be read at all, that is so each time.
		return w.definitionsErr == nil || !isPassing(w.definitionsErr) && !isGarbled(w.definitionsErr) || len(t.Versions) == 1
	}
	for _, f := range failed {
		gv, err := schema.ParseGroupVersion(f.GroupVersion)
		if err == nil && gv.Group == gvr.Group && version.CompareKubeAwareVersionStrings(gv.Version, gvr.Version) > 0 {
			return false
		}
	}
	return true
}
