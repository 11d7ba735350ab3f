//go:build integration

package capture_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The resources that the tests change.
var (
	configMaps  = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	secrets     = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	roles       = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}
	widgets     = schema.GroupVersionResource{Group: "example.org", Version: "v1", Resource: "widgets"}
	gadgets     = schema.GroupVersionResource{Group: "conversion.example.org", Version: "v1", Resource: "gadgets"}
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
)

func object(apiVersion, kind, namespace, name string, fields map[string]any) map[string]any {
	metadata := map[string]any{"name": name}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	o := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": metadata}
	for key, value := range fields {
		o[key] = value
	}
	return o
}

func configMap(namespace, name string) map[string]any {
	return object("v1", "ConfigMap", namespace, name, map[string]any{"data": map[string]any{"a": name}})
}

func secret(namespace, name string) map[string]any {
	return object("v1", "Secret", namespace, name, map[string]any{"stringData": map[string]any{"a": name}})
}

// deployment has no replicas, so that controllers make nothing but a ReplicaSet.
func deployment(namespace, name string) map[string]any {
	labels := map[string]any{"app": name}
	return object("apps/v1", "Deployment", namespace, name, map[string]any{"spec": map[string]any{
		"replicas": int64(0), "selector": map[string]any{"matchLabels": labels},
		"template": map[string]any{
			"metadata": map[string]any{"labels": labels},
			"spec":     map[string]any{"containers": []any{map[string]any{"name": "a", "image": "a"}}},
		},
	}})
}

func role(name string) map[string]any {
	return object("rbac.authorization.k8s.io/v1", "ClusterRole", "", name, map[string]any{"rules": []any{
		map[string]any{"apiGroups": []any{""}, "resources": []any{"pods"}, "verbs": []any{"get"}},
	}})
}

func widget(namespace, name string) map[string]any {
	return object("example.org/v1", "Widget", namespace, name, map[string]any{"spec": map[string]any{"a": name}})
}

// definition defines a namespaced kind that is stored at the first of the versions.
func definition(group, kind, plural string, versions ...string) map[string]any {
	var list []any
	for i, version := range versions {
		list = append(list, map[string]any{
			"name": version, "served": true, "storage": i == 0,
			"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
		})
	}
	return object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", plural+"."+group, map[string]any{"spec": map[string]any{
		"group": group, "scope": "Namespaced", "versions": list,
		"names": map[string]any{"plural": plural, "singular": plural[:len(plural)-1], "kind": kind, "listKind": kind + "List"},
	}})
}

func (w *world) defineWidgets() {
	w.Helper()
	w.create("customresourcedefinitions", definition("example.org", "Widget", "widgets", "v1"))
}

func (w *world) undefineWidgets() {
	w.Helper()
	w.remove(definitions, "", "widgets.example.org")
}

// storeGadgets makes a kind whose objects are stored at v1beta1 and read at v1, with
// a conversion webhook between that nothing answers.
func (w *world) storeGadgets(namespace string, names ...string) {
	w.Helper()
	w.create("customresourcedefinitions", definition("conversion.example.org", "Gadget", "gadgets", "v1beta1", "v1"))
	for _, name := range names {
		w.create("gadgets",
			object("conversion.example.org/v1beta1", "Gadget", namespace, name, map[string]any{"spec": map[string]any{"a": name}}))
	}
	w.convertGadgets(map[string]any{"strategy": "None"})
}

// convertGadgets makes v1 the version that gadgets are stored at, and says how to
// convert those that are stored at the other.
func (w *world) convertGadgets(conversion map[string]any) {
	w.Helper()
	w.eventually("change the definition of gadgets", func() error {
		current, err := w.client.Resource(definitions).Get(w.ctx, "gadgets.conversion.example.org", metav1.GetOptions{})
		if err != nil {
			return err
		}
		list, _, _ := unstructured.NestedSlice(current.Object, "spec", "versions")
		for _, each := range list {
			version := each.(map[string]any)
			version["storage"] = version["name"] == "v1"
		}
		if err := errors.Join(unstructured.SetNestedSlice(current.Object, list, "spec", "versions"),
			unstructured.SetNestedMap(current.Object, conversion, "spec", "conversion")); err != nil {
			return err
		}
		_, err = w.client.Resource(definitions).Update(w.ctx, current, metav1.UpdateOptions{})
		return err
	})
}

// unreachableWebhook converts by a Service that does not exist.
var unreachableWebhook = map[string]any{"strategy": "Webhook", "webhook": map[string]any{
	"conversionReviewVersions": []any{"v1"},
	"clientConfig":             map[string]any{"service": map[string]any{"namespace": "default", "name": "nobody", "path": "/convert"}},
}}

// aggregated is an API server of its own that the real one passes requests on to.
type aggregated struct {
	w      *world
	server *httptest.Server
	down   atomic.Bool
	// silent leaves the kind out of the answers of discovery.
	silent atomic.Bool
}

const aggregatedGroup = "aggregated.example.net"

// aggregate starts a server with one Token in the namespace and registers it.
func (w *world) aggregate(namespace string) *aggregated {
	w.Helper()
	a := &aggregated{w: w}

	token := `{"apiVersion":"` + aggregatedGroup + `/v1","kind":"Token","metadata":{"name":"one","namespace":"` + namespace +
		`","uid":"u","resourceVersion":"1"}}`
	answers := map[string]string{
		"/apis/" + aggregatedGroup + "/v1/tokens": `{"apiVersion":"` + aggregatedGroup +
			`/v1","kind":"TokenList","metadata":{"resourceVersion":"7"},"items":[` + token + `]}`,
		"/apis/" + aggregatedGroup + "/v1": `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"` + aggregatedGroup + `/v1","resources":[
			{"name":"tokens","singularName":"token","namespaced":true,"kind":"Token","verbs":["create","get","list"]},
			{"name":"others","singularName":"other","namespaced":true,"kind":"Other","verbs":["get"]}]}`,
	}

	a.server = httptest.NewTLSServer(http.HandlerFunc(func(response http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		if r.URL.Path == "/apis/"+aggregatedGroup+"/v1" && a.silent.Load() {
			body = `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"` + aggregatedGroup +
				`/v1","resources":[{"name":"others","singularName":"other","namespaced":true,"kind":"Other","verbs":["get"]}]}`
		}
		switch {
		case a.down.Load():
			response.WriteHeader(http.StatusInternalServerError)
		case !ok:
			response.WriteHeader(http.StatusNotFound)
		default:
			response.Header().Set("Content-Type", "application/json")
			fmt.Fprint(response, body)
		}
	}))

	w.Cleanup(a.server.Close)
	_, text, err := net.SplitHostPort(a.server.Listener.Addr().String())
	if err != nil {
		w.Fatal(err)
	}
	port, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		w.Fatal(err)
	}

	w.create("services", object("v1", "Service", namespace, "aggregated", map[string]any{"spec": map[string]any{
		"type": "ExternalName", "externalName": "localhost", "ports": []any{map[string]any{"port": port}},
	}}))
	w.create("apiservices", object("apiregistration.k8s.io/v1", "APIService", "", "v1."+aggregatedGroup, map[string]any{"spec": map[string]any{
		"group": aggregatedGroup, "version": "v1", "groupPriorityMinimum": int64(100), "versionPriority": int64(100),
		"insecureSkipTLSVerify": true,
		"service":               map[string]any{"namespace": namespace, "name": "aggregated", "port": port},
	}}))
	w.eventually("the aggregated API is served", func() error { return w.serves("tokens") })
	return a
}

// serves reports whether discovery, read directly, lists the type.
func (w *world) serves(resource string) error {
	types, failed, err := w.exporter(w.cluster.RESTConfig()).Discover(w.ctx)
	if err != nil {
		return err
	}
	for _, t := range types {
		if t.GroupVersionResource.Resource == resource {
			return nil
		}
	}
	return fmt.Errorf("%s is not served: %v", resource, failed)
}

func (a *aggregated) unregister() {
	a.w.Helper()
	a.w.remove(apiServices, "", "v1."+aggregatedGroup)
}
