//go:build integration

package exporter

import (
	"runtime"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/manifest"
)

const thingDefinition = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.example.org"},
"spec":{"group":"example.org","scope":"Namespaced","names":{"plural":"things","singular":"thing","kind":"Thing","listKind":"ThingList"},
"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`

// TestWatchRealClusters follows a real cluster through changes, a type that comes
// and goes, and a restart of the API server.
func TestWatchRealClusters(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			cluster := testcluster.New(t, version)
			client, err := dynamic.NewForConfig(cluster.RESTConfig())
			if err != nil {
				t.Fatal(err)
			}
			e, err := New(cluster.RESTConfig(), manifest.Default(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			var j journal
			wait, stop := startWatch(t, e, &j)
			// arrives waits for a file to appear or to go.
			arrives := func(path string, want bool) {
				t.Helper()
				eventually(t, time.Minute, path, func() bool { return j.holds(path) == want }, j.String)
			}
			gvr := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
			configMap := func(name string) *unstructured.Unstructured {
				return &unstructured.Unstructured{Object: map[string]any{
					"apiVersion": "v1", "kind": "ConfigMap",
					"metadata": map[string]any{"name": name, "namespace": "default"},
				}}
			}
			newConfigMap := func(name string) {
				t.Helper()
				if _, err := client.Resource(gvr).Namespace("default").Create(t.Context(), configMap(name), metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			remove := func(resource schema.GroupVersionResource, namespace, name string) {
				t.Helper()
				if err := client.Resource(resource).Namespace(namespace).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
					t.Fatal(err)
				}
			}

			eventually(t, time.Minute, "first lists", func() bool { return j.has("synced configmaps.v1 at") }, j.String)
			newConfigMap("a")
			arrives("namespaces/default/configmap/a.yaml", true)
			remove(gvr, "default", "a")
			arrives("namespaces/default/configmap/a.yaml", false)

			// A type that comes while the watch runs, and its objects.
			definition, err := manifest.Decode([]byte(thingDefinition))
			if err != nil {
				t.Fatal(err)
			}
			create(t, client, "customresourcedefinitions", definition)
			create(t, client, "things",
				map[string]any{"apiVersion": "example.org/v1", "kind": "Thing", "metadata": map[string]any{"name": "one", "namespace": "default"}})
			arrives("namespaces/default/thing.example.org/one.yaml", true)

			// An API server that is away for a moment: nothing is lost, what happens
			// afterwards is seen.
			newConfigMap("kept")
			arrives("namespaces/default/configmap/kept.yaml", true)
			cluster.StopAPIServer()
			if err := cluster.StartAPIServer(t.Context()); err != nil {
				t.Fatal(err)
			}
			newConfigMap("after")
			arrives("namespaces/default/configmap/after.yaml", true)
			create(t, client, "things",
				map[string]any{"apiVersion": "example.org/v1", "kind": "Thing", "metadata": map[string]any{"name": "two", "namespace": "default"}})
			arrives("namespaces/default/thing.example.org/two.yaml", true)
			if !j.holds("namespaces/default/configmap/kept.yaml") || !j.holds("namespaces/default/thing.example.org/one.yaml") || j.has("gone") {
				t.Errorf("the restart deleted something:\n%s", j.String())
			}

			// A type that goes.
			remove(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}, "",
				"things.example.org")
			eventually(t, time.Minute, "type gone", func() bool { return j.has("gone things.v1.example.org") }, j.String)
			if j.holds("namespaces/default/thing.example.org/one.yaml") {
				t.Errorf("objects of a deleted type are still there:\n%s", j.String())
			}

			before := strings.Count(j.String(), "\n")
			stop()
			_ = wait()
			if before > 2000 {
				t.Errorf("%d calls of the handler: the watch is busy", before)
			}
			t.Logf("%d calls of the handler, %d goroutines", before, runtime.NumGoroutine())
		})
	}
}
