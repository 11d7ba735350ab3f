//go:build linux

package testnode

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// Apply applies objects, as `kubectl apply --server-side` does.
func (n *Node) Apply(t testing.TB, objects ...map[string]any) {
	t.Helper()
	client, err := dynamic.NewForConfig(n.Cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	groups, err := restmapper.GetAPIGroupResources(n.Client.Discovery())
	if err != nil {
		t.Fatal(err)
	}
	mapper := restmapper.NewDiscoveryRESTMapper(groups)

	for _, content := range objects {
		object := &unstructured.Unstructured{Object: content}
		kind := object.GroupVersionKind()
		mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			t.Fatal(err)
		}
		var target dynamic.ResourceInterface = client.Resource(mapping.Resource)
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			target = client.Resource(mapping.Resource).Namespace(object.GetNamespace())
		}
		if _, err := target.Apply(t.Context(), object.GetName(), object, metav1.ApplyOptions{FieldManager: "kubectl"}); err != nil {
			t.Fatalf("%s %s: %v", kind.Kind, object.GetName(), err)
		}
	}
}
