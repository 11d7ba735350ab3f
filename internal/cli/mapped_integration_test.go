//go:build integration

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/restore"
)

// mappedShop is a namespace with everything that is easily left behind: rights, a webhook, a
// volume, a Service, and the same name in a text.
const mappedShop = `
namespaces: {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: shop}}}
---
serviceaccounts: {apiVersion: v1, kind: ServiceAccount, metadata: {name: web, namespace: shop}}
---
configmaps: {apiVersion: v1, kind: ConfigMap, metadata: {name: web, namespace: shop}, data: {db: "db.shop.svc:5432"}}
---
services:
  apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: shop}
  spec: {type: NodePort, ports: [{port: 80, nodePort: 30123}]}
---
deployments:
  apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop}
  spec:
    selector: {matchLabels: {app: web}}
    template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "quay.io/shop/web:1"}]}}
---
roles:
  apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata: {name: web, namespace: shop}
  rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
---
rolebindings:
  apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: web, namespace: shop}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
  subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
---
clusterrolebindings:
  apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRoleBinding
  metadata: {name: shop-web}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
  subjects:
  - {kind: ServiceAccount, name: web, namespace: shop}
  - {kind: ServiceAccount, name: web, namespace: default}
---
validatingwebhookconfigurations:
  apiVersion: admissionregistration.k8s.io/v1
  kind: ValidatingWebhookConfiguration
  metadata: {name: shop}
  webhooks:
  - name: carts.example.com
    failurePolicy: Ignore
    sideEffects: None
    admissionReviewVersions: [v1]
    rules: [{apiGroups: [example.com], apiVersions: ["*"], resources: [carts], operations: [CREATE]}]
    clientConfig: {service: {name: web, namespace: shop}}
---
persistentvolumes:
  apiVersion: v1
  kind: PersistentVolume
  metadata: {name: shop-data}
  spec:
    capacity: {storage: 1Mi}
    accessModes: [ReadWriteOnce]
    hostPath: {path: /tmp/shop-data}
    claimRef: {namespace: shop, name: data}
---
persistentvolumeclaims:
  apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: {name: data, namespace: shop}
  spec: {accessModes: [ReadWriteOnce], storageClassName: "", volumeName: shop-data, resources: {requests: {storage: 1Mi}}}
`

// eachManifest calls for every object of a text like mappedShop.
func eachManifest(t *testing.T, text string, visit func(schema.GroupVersionResource, *unstructured.Unstructured)) {
	t.Helper()
	for _, part := range strings.Split(text, "\n---\n") {
		byResource := map[string]map[string]any{}
		if err := yaml.Unmarshal([]byte(part), &byResource); err != nil {
			t.Fatal(err)
		}
		for resource, content := range byResource {
			object := &unstructured.Unstructured{Object: content}
			visit(object.GroupVersionKind().GroupVersion().WithResource(resource), object)
		}
	}
}

// mappedBesideItsOriginal restores a namespace into the cluster that still has it, under another
// name, and looks at both.
func mappedBesideItsOriginal(t *testing.T, s *story, cluster *testcluster.Cluster) {
	client, err := dynamic.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	eachManifest(t, mappedShop, func(resource schema.GroupVersionResource, object *unstructured.Unstructured) {
		if _, err := client.Resource(resource).Namespace(object.GetNamespace()).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	})
	point := string(s.backup(cluster).Point.ID)
	versions := func() string {
		var b strings.Builder
		eachManifest(t, mappedShop, func(resource schema.GroupVersionResource, object *unstructured.Unstructured) {
			live, err := client.Resource(resource).Namespace(object.GetNamespace()).Get(t.Context(), object.GetName(), metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(object.GetKind(), "PersistentVolume") && object.GetKind() != "Deployment" { // their controllers write
				fmt.Fprintln(&b, object.GetKind(), object.GetName(), live.GetResourceVersion())
			}
		})
		return b.String()
	}
	before := versions()

	with := func(command string, more ...string) []string {
		return append([]string{
			command, point, "--repo", s.repo, "--keys", s.keys, "--kubeconfig", cluster.Kubeconfig, "--map-namespace", "shop=shop-copy",
		}, more...)
	}
	says(t, s.ok(with("plan")...), "Changed on the way", "metadata.namespace: shop becomes shop-copy",
		"ConfigMap/shop-copy/web: not changed", "PersistentVolume/shop-data: left out",
		"ValidatingWebhookConfiguration.admissionregistration.k8s.io/shop: left out")
	var plan restore.Plan
	if err := json.Unmarshal([]byte(s.ok(with("plan", "--json")...)), &plan); err != nil {
		t.Fatal(err)
	}
	for _, step := range plan.Steps {
		if step.Object.Namespace == "shop" || step.Object.Namespace == "shop-copy" && len(step.Details().Rewritten) == 0 {
			t.Errorf("the plan has %+v", step)
		}
	}

	report := s.restore(with("restore", "--yes", "--json"))
	if report.Counts.Failed > 0 || report.Counts.Created < 8 || report.Counts.Configured > 0 {
		t.Errorf("%+v", report)
	}
	s.ok(with("verify")...)
	if again := s.restore(with("restore", "--yes", "--json")); again.Counts.Created+again.Counts.Configured+again.Counts.Failed > 0 {
		t.Errorf("another run: %+v", again.Counts)
	}
	if after := versions(); after != before {
		t.Errorf("the original has changed:\n%s\nwas\n%s", after, before)
	}

	t.Run("what the original lost is made for the copy, and stays the copy's", func(t *testing.T) {
		webhooks := schema.GroupVersionResource{
			Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations",
		}
		if err := client.Resource(webhooks).Delete(t.Context(), "shop", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		for run, created := range []int{1, 0} {
			report := s.restore(with("restore", "--yes", "--json", "--undo-newer"))
			if report.Counts.Created != created || report.Counts.Failed > 0 {
				t.Errorf("run %d: %+v", run, report.Counts)
			}
		}
		live, err := client.Resource(webhooks).Get(t.Context(), "shop", metav1.GetOptions{})
		if err != nil || !strings.Contains(fmt.Sprint(live.Object["webhooks"]), "namespace:shop-copy") {
			t.Errorf("%v (%v)", live, err)
		}
		s.ok(with("verify")...)
	})

	bindings := schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"}
	binding, err := client.Resource(bindings).Get(t.Context(), "shop-web-shop-copy", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	subjects, _ := json.Marshal(binding.Object["subjects"])
	if string(subjects) != `[{"kind":"ServiceAccount","name":"web","namespace":"shop-copy"}]` {
		t.Errorf("the second binding is for %s", subjects)
	}

	t.Run("what the copy lacks is found", func(t *testing.T) {
		configs := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
		if err := client.Resource(configs).Namespace("shop-copy").Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		code, out, _ := s.run(with("verify")...)
		if code != ExitDifferent {
			t.Errorf("exit code %d", code)
		}
		says(t, out, "ConfigMap/shop-copy/web")
	})
	t.Run("another image and another class", func(t *testing.T) {
		more := []string{"--map-image", "quay.io=registry.local/quay", "--map-storage-class", "gone=default"}
		says(t, s.ok(with("plan", more...)...),
			"spec.template.spec.containers[].image: quay.io/shop/web:1 becomes registry.local/quay/shop/web:1",
			"by the pair for gone")
	})
	t.Run("a part of the point, with an overlay", func(t *testing.T) {
		overlay := t.TempDir()
		kustomization := "resources: [restore-point]\npatches:\n- target: {kind: Deployment, namespace: shop-two}\n" +
			"  patch: '[{\"op\": \"replace\", \"path\": \"/spec/replicas\", \"value\": 0}]'\n"
		if err := os.WriteFile(filepath.Join(overlay, "kustomization.yaml"), []byte(kustomization), 0o600); err != nil {
			t.Fatal(err)
		}
		part := func(command string, more ...string) []string {
			return append([]string{
				command, point, "--repo", s.repo, "--keys", s.keys, "--kubeconfig", cluster.Kubeconfig, "-n", "shop",
				"--map-namespace", "shop=shop-two", "--overlay", overlay,
			}, more...)
		}

		says(t, s.ok(part("plan")...), "Deployment.apps/shop-two/web", "spec.replicas: the overlay changes it")
		if report := s.restore(part("restore", "--yes", "--json")); report.Counts.Failed > 0 || report.Counts.Created < 6 {
			t.Errorf("%+v", report)
		}
		s.ok(part("verify")...)
		deployments := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
		live, err := client.Resource(deployments).Namespace("shop-two").Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if replicas, _, _ := unstructured.NestedInt64(live.Object, "spec", "replicas"); replicas != 0 {
			t.Errorf("%d replicas", replicas)
		}
	})
	t.Run("a field of the user's own", func(t *testing.T) {
		fields := filepath.Join(t.TempDir(), "fields.yaml")
		row := "fields:\n- {kind: ConfigMap, path: data.owner, reason: who owns it}\n"
		if err := os.WriteFile(fields, []byte(row), 0o600); err != nil {
			t.Fatal(err)
		}
		s.ok(with("plan", "--namespace-fields", fields)...)
	})
	t.Run("an address that the old cluster chose, once it is free", func(t *testing.T) {
		services := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "services"})
		old, err := services.Namespace("shop").Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		address, _, _ := unstructured.NestedString(old.Object, "spec", "clusterIP")
		third := func(command string, more ...string) []string {
			return append([]string{
				command, point, "--repo", s.repo, "--keys", s.keys, "--kubeconfig", cluster.Kubeconfig, "-n", "shop", "--kind", "Service",
				"--map-namespace", "shop=shop-three", "--preserve", "addresses", "--reassign", "node-ports",
			}, more...)
		}

		says(t, s.ok(third("plan")...), "spec.clusterIP: "+address+" comes back: the old cluster chose it",
			"30123 is left out: the target chooses one", "Service/shop-three/web: spec.clusterIP")
		if err := services.Namespace("shop").Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		if report := s.restore(third("restore", "--yes", "--json")); report.Counts.Failed > 0 || report.Counts.Created < 2 {
			t.Errorf("%+v", report)
		}
		s.ok(third("verify")...)
		live, err := services.Namespace("shop-three").Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := unstructured.NestedString(live.Object, "spec", "clusterIP"); got != address {
			t.Errorf("the address is %s, it was %s", got, address)
		}
	})
}
