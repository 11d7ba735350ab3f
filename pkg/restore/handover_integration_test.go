//go:build integration

package restore

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ownership: a tool that applies server-side under its own name goes on in the new
// cluster as if nothing was: it meets no conflict, and what it drops is gone.
func (x *trip) ownership(t *testing.T) {
	namespace := x.source.create(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: gitops}")[0]
	applied := func(s *side, document string) map[string]any {
		t.Helper()
		o := decode(t, document)
		retry(t, func() error {
			_, err := s.resource(t, o).Apply(t.Context(), text(o, "metadata", "name"), &unstructured.Unstructured{Object: o},
				metav1.ApplyOptions{FieldManager: "argocd-controller"})
			return err
		})
		return o
	}
	const container = `      - {name: main, image: "registry.invalid/web:1", env: [{name: A, value: "1"}, {name: DROP, value: me}]}`
	deployment := func(labels, containers string) string {
		return `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: gitops` + labels + `}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
` + containers
	}
	web := applied(x.source, deployment(", labels: {tier: front}", container+"\n      - {name: sidecar, image: \"registry.invalid/side:1\"}"))
	settings := applied(x.source, `apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: gitops}
data: {keep: "1", drop: "2"}`)
	// Another manager has a part of it, and keeps that.
	x.source.change(t, settings, `{"data":{"tuned":"by hand"}}`)
	x.restore(t, namespace, web, settings)

	for _, s := range []*side{x.source, x.target} {
		applied(s, deployment("", `      - {name: main, image: "registry.invalid/web:2", env: [{name: A, value: "1"}]}`))
		applied(s, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: gitops}\ndata: {keep: \"1\"}")
	}
	x.same(t, web, "metadata.labels", "spec.template.spec.containers")
	x.same(t, settings, "data")
	live := x.target.live(t, web)
	if containers := list(live, "spec", "template", "spec", "containers"); len(containers) != 1 || len(list(containers[0], "env")) != 1 {
		t.Errorf("what the tool dropped is still there: %v", short(containers))
	}
	for _, entry := range list(live, "metadata", "managedFields") {
		if text(entry, "manager") == FieldManager {
			t.Errorf("appbur still owns fields: %v", short(entry))
		}
	}
}
