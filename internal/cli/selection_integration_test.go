//go:build integration

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/manifest"
)

// shop is a namespace with what its workload needs in it and around it.
const shop = `
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: other}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: web, namespace: shop}}
---
{apiVersion: v1, kind: Secret, metadata: {name: token, namespace: shop}, stringData: {key: s3cr3t-value}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop, labels: {app: web}}, data: {colour: red}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: other}, data: {colour: blue}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shop-reader}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: shop-reads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: shop-reader}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers: [{name: web, image: web, env: [{name: KEY, valueFrom: {secretKeyRef: {name: token, key: key}}}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {ports: [{port: 80}], selector: {app: web}}
`

// resources of the kinds of shop.
var shopResources = map[string]schema.GroupVersionResource{
	"Namespace":             {Version: "v1", Resource: "namespaces"},
	"ServiceAccount":        {Version: "v1", Resource: "serviceaccounts"},
	"Secret":                {Version: "v1", Resource: "secrets"},
	"ConfigMap":             {Version: "v1", Resource: "configmaps"},
	"Service":               {Version: "v1", Resource: "services"},
	"PersistentVolumeClaim": {Version: "v1", Resource: "persistentvolumeclaims"},
	"Deployment":            {Group: "apps", Version: "v1", Resource: "deployments"},
	"ClusterRole":           {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"},
	"Role":                  {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
	"RoleBinding":           {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
	"ClusterRoleBinding":    {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"},
	"CronJob":               {Group: "batch", Version: "v1", Resource: "cronjobs"},
	"APIService":            {Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"},
	"ValidatingWebhookConfiguration": {
		Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations",
	},
}

// town is a real cluster with a shop, and a client for it.
type town struct {
	*story
	cluster *testcluster.Cluster
	client  dynamic.Interface
	target  []string
}

func (c *town) of(kind, namespace string) dynamic.ResourceInterface {
	if namespace == "" {
		return c.client.Resource(shopResources[kind])
	}
	return c.client.Resource(shopResources[kind]).Namespace(namespace)
}

func (c *town) create(documents string) {
	c.Helper()
	for _, document := range strings.Split(documents, "\n---\n") {
		content, err := manifest.Decode([]byte(document))
		if err != nil {
			c.Fatal(err)
		}
		object := &unstructured.Unstructured{Object: content}
		if _, err := c.of(object.GetKind(), object.GetNamespace()).Create(c.Context(), object, metav1.CreateOptions{}); err != nil {
			c.Fatal(err)
		}
	}
}

// there reports whether the object exists.
func (c *town) there(kind, namespace, name string) bool {
	c.Helper()
	_, err := c.of(kind, namespace).Get(c.Context(), name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		c.Fatal(err)
	}
	return err == nil
}

// remove deletes the object and waits until it is gone, and with a namespace all in it.
func (c *town) remove(kind, namespace, name string) {
	c.Helper()
	if err := c.of(kind, namespace).Delete(c.Context(), name, metav1.DeleteOptions{}); err != nil {
		c.Fatal(err)
	}
	for c.there(kind, namespace, name) {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-c.Context().Done():
			c.Fatal(c.Context().Err())
		}
	}
}

func (c *town) on(command string, more ...string) []string {
	return append(append([]string{command, "latest"}, more...), c.target...)
}

func newTown(t *testing.T, version string) *town {
	s := newStory(t)
	cluster := testcluster.New(t, version)
	client, err := dynamic.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	target := []string{"--repo", s.repo, "--keys", s.keys, "--kubeconfig", cluster.Kubeconfig}
	c := &town{story: s, cluster: cluster, client: client, target: target}
	c.create(shop)
	s.ok("init", s.repo, "--keys", s.keys)
	s.backup(cluster)
	return c
}

// A part of a point is restored into the running cluster it was taken of, and what is not
// selected stays as it is.
func TestAPartIsRestoredIntoTheRunningCluster(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			c := newTown(t, version)
			c.newer()

			t.Run("a namespace that was deleted", c.deletedNamespace)
			t.Run("an object that was deleted, with what it needs", c.deletedObject)
			t.Run("what was added to a part", c.addedToAPart)
			t.Run("objects by label, kind and exclusion", c.byWords)
			t.Run("what is selected and newer is not undone by --yes", c.newerSelected)
			t.Run("words that mean nothing", c.meaningless)
			t.Run("an account without the rights", c.withoutRights)
			t.Run("an account that would give more than it has", c.escalating)
			t.Run("by a saved plan, as long as it holds", c.savedPlan)
			t.Run("with the fields that would change", c.differences)
			t.Run("without dependencies", c.withoutDependencies)
		})
	}
}

// newer changes something that no test selects.
func (c *town) newer() {
	settings, err := c.of("ConfigMap", "other").Get(c.Context(), "settings", metav1.GetOptions{})
	if err != nil {
		c.Fatal(err)
	}
	if err := unstructured.SetNestedField(settings.Object, "green", "data", "colour"); err != nil {
		c.Fatal(err)
	}
	if _, err := c.of("ConfigMap", "other").Update(c.Context(), settings, metav1.UpdateOptions{}); err != nil {
		c.Fatal(err)
	}
}

func (c *town) untouched(t *testing.T) {
	t.Helper()
	settings, err := c.of("ConfigMap", "other").Get(t.Context(), "settings", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if colour, _, _ := unstructured.NestedString(settings.Object, "data", "colour"); colour != "green" {
		t.Errorf("what is not selected was changed: %s", colour)
	}
}

func (c *town) deletedNamespace(t *testing.T) {
	c.remove("Namespace", "", "shop")
	plan := c.ok(c.on("plan", "-n", "shop")...)
	says(t, plan, "Selected: namespace shop\n", "Needed by selected objects, and there: left as they are",
		"ClusterRoleBinding.rbac.authorization.k8s.io/shop-reads: binding of ServiceAccount/shop/web",
		"a restore would bring back: ")
	if strings.Contains(plan, "ConfigMap/other") {
		t.Errorf("the plan has what is not selected:\n%s", plan)
	}

	c.ok(c.on("restore", "-n", "shop", "--yes")...)
	for _, o := range [][2]string{
		{"ServiceAccount", "web"}, {"Secret", "token"}, {"ConfigMap", "settings"}, {"Deployment", "web"}, {"Service", "web"},
	} {
		if !c.there(o[0], "shop", o[1]) {
			t.Errorf("%s/%s is missing", o[0], o[1])
		}
	}
	c.ok(c.on("verify", "-n", "shop")...)
	c.untouched(t)
	says(t, c.ok(c.on("plan", "-n", "shop")...), "whole (namespace shop)", "nothing of the point has changed since")

	report := c.restore(c.on("restore", "-n", "shop", "--yes", "--json"))
	if report.Counts.Created+report.Counts.Configured+report.Counts.Failed > 0 {
		t.Errorf("a second run: %+v", report.Counts)
	}
}

func (c *town) deletedObject(t *testing.T) {
	c.remove("Deployment", "shop", "web")
	c.remove("Secret", "shop", "token")
	c.remove("ClusterRole", "", "shop-reader")
	c.remove("ConfigMap", "shop", "settings")
	defer c.ok(c.on("restore", "configmap/settings", "-n", "shop", "--yes")...)

	code, out, _ := c.run(c.on("verify", "deployment/web")...)
	if code != ExitDifferent {
		t.Errorf("exit code %d\n%s", code, out)
	}
	says(t, out, "missing Deployment.apps/shop/web", "missing ClusterRole.rbac.authorization.k8s.io/shop-reader")

	report := c.restore(c.on("restore", "deployment/web", "--yes", "--json"))
	if report.Counts.Created != 3 || report.Counts.Failed > 0 {
		t.Errorf("%+v", report.Counts)
	}
	if !c.there("Secret", "shop", "token") || !c.there("ClusterRole", "", "shop-reader") {
		t.Error("what it needs is missing")
	}
	if c.there("ConfigMap", "shop", "settings") {
		t.Error("it does not need the settings")
	}
	c.ok(c.on("verify", "deployment/web")...)
}

// Of what was added only what would have been selected is a finding.
func (c *town) addedToAPart(t *testing.T) {
	c.create(`{apiVersion: v1, kind: ConfigMap, metadata: {name: stranger, namespace: shop}, data: {a: b}}`)
	defer c.remove("ConfigMap", "shop", "stranger")
	code, out, _ := c.run(c.on("verify", "-n", "shop")...)
	if code != ExitDifferent {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "1 findings", "added ConfigMap/shop/stranger: is not in the restore point; made ")
	c.ok(c.on("verify", "-l", "app=web")...)
	c.ok(c.on("verify", "configmap/settings", "-n", "shop")...)
	c.ok(c.on("verify", "-n", "shop", "--exclude-kind", "configmap")...)
}

func (c *town) byWords(t *testing.T) {
	var answer struct {
		Part  struct{ Chosen, Needed, Of int }
		Steps []struct {
			Action, Object string
			Need           *struct{ As, By string }
		}
	}
	out := c.ok(c.on("plan", "-l", "app=web", "--kind", "svc,deploy,cm", "--exclude-name", "sett*", "-n", "shop", "--json")...)
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}

	var chosen []string
	for _, s := range answer.Steps {
		if s.Need == nil && s.Action == "apply" {
			chosen = append(chosen, s.Object)
		}
	}
	slices.Sort(chosen)
	if got := strings.Join(chosen, " "); got != "Deployment.apps/shop/web Service/shop/web" {
		t.Errorf("chosen: %s", got)
	}
	if answer.Part.Chosen != 2 || answer.Part.Needed == 0 || answer.Part.Of < 10 {
		t.Errorf("%+v", answer.Part)
	}
}

func (c *town) newerSelected(t *testing.T) {
	code, _, errs := c.run(c.on("restore", "-n", "other", "--yes")...)
	if code != ExitUsage {
		t.Errorf("exit code %d", code)
	}
	says(t, errs, "1 changed (ConfigMap/other/settings)", "--undo-newer")
	c.untouched(t)
}

func (c *town) meaningless(t *testing.T) {
	for _, test := range []struct {
		words []string
		code  int
		says  string
	}{
		{[]string{"-n", "shpo"}, ExitNotFound, "did you mean shop?"},
		{[]string{"--kind", "deploymnet"}, ExitNotFound, "did you mean deployment?"},
		{[]string{"deployment/wbe"}, ExitNotFound, "did you mean deployment/web?"},
		{[]string{"configmap/settings"}, ExitUsage, "name the namespace as well, with -n: other, shop"},
		{[]string{"--app", "team/none"}, ExitNotFound, "--app"},
		{[]string{"-l", "a in (b"}, ExitUsage, "--selector"},
		{[]string{"--only", "secrets"}, ExitUsage, "--only manifests"},
		{[]string{"--owners", "ask"}, ExitUsage, "--owners include, drop or fail"},
	} {
		for _, command := range []string{"plan", "verify"} {
			code, _, errs := c.run(c.on(command, test.words...)...)
			if code != test.code {
				t.Errorf("%s %q: exit code %d", command, test.words, code)
			}
			says(t, errs, test.says)
		}
	}

	_, _, errs := c.run(c.on("plan", "-n", "shop", "--exclude-namespace", "gone")...)
	says(t, errs, "--exclude-namespace excludes nothing: \"gone\"")
}

func (c *town) withoutDependencies(t *testing.T) {
	c.remove("Namespace", "", "shop")
	code, out, _ := c.run(c.on("plan", "deployment/web", "--with-dependencies=false")...)
	if code != ExitIncompatible {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "its namespace shop is neither selected nor in the target")

	c.ok(c.on("restore", "namespace/shop", "--yes", "--with-dependencies=false")...)
	report := c.restore(c.on("restore", "deployment/web", "--yes", "--with-dependencies=false", "--json"))
	if report.Counts.Created != 1 || report.Counts.Unchanged > 0 {
		t.Errorf("%+v", report.Counts)
	}
	if c.there("Secret", "shop", "token") {
		t.Error("a dependency came along")
	}
}

func (c *town) savedPlan(t *testing.T) {
	file := filepath.Join(t.TempDir(), "restore.plan")
	by := func(file string, more ...string) []string {
		return append(append([]string{"restore", "--plan", file, "--yes"}, more...), c.target...)
	}
	c.remove("ConfigMap", "shop", "settings")
	c.remove("ClusterRole", "", "shop-reader")
	c.ok(c.on("plan", "-n", "shop", "--exclude-kind", "svc", "--out", file)...)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "s3cr3t-value") || strings.Contains(string(data), "red") {
		t.Error("values of objects are in the file")
	}

	// What the plan was made of changes: it is refused, and nothing is written.
	c.create(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: shop-reader}, rules: []}`)
	code, _, errs := c.run(by(file)...)
	if code != ExitMoved {
		t.Errorf("exit code %d", code)
	}
	says(t, errs, "the saved plan no longer holds", "ClusterRole.rbac.authorization.k8s.io/shop-reader is now keep", "make the plan again")
	if c.there("ConfigMap", "shop", "settings") {
		t.Error("a plan that does not hold was applied")
	}
	other := filepath.Join(t.TempDir(), "other.plan")
	system, err := c.of("Namespace", "").Get(t.Context(), "kube-system", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for was, is := range map[string]string{
		string(system.GetUID()): "00000000-0000-0000-0000-000000000000", `"format": 1`: `"format": 99`, `"--namespace=shop"`: `"--undo-newer=true"`,
	} {
		if err := os.WriteFile(other, []byte(strings.Replace(string(data), was, is, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, errs := c.run(by(other)...); code != ExitMoved && code != ExitUsage {
			t.Errorf("%s in place of %s: exit code %d\n%s%s", is, was, code, out, errs)
		}
	}
	code, _, errs = c.run(by(file, "-n", "shop")...)
	if code != ExitUsage {
		t.Errorf("exit code %d", code)
	}
	says(t, errs, "--namespace is one")

	// As it was, it is applied.
	c.remove("ClusterRole", "", "shop-reader")
	c.ok(by(file)...)
	if !c.there("ConfigMap", "shop", "settings") || !c.there("ClusterRole", "", "shop-reader") {
		t.Error("the plan was not applied")
	}
}

func (c *town) differences(t *testing.T) {
	web, err := c.of("Deployment", "shop").Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(web.Object, int64(4), "spec", "minReadySeconds"); err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(web.Object, "b", "metadata", "labels", "app"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.of("Deployment", "shop").Update(t.Context(), web, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.remove("Service", "shop", "web")
	out := c.ok(c.on("plan", "-n", "shop", "--diff")...)
	says(t, out, "In the target: 1 would be created, 1 changed, ", "Differences to the target (", "  + Service/shop/web\n", "  ~ Deployment.apps/shop/web\n", `metadata.labels.app: should be "web", is "b"`)
	if strings.Contains(out, "s3cr3t") {
		t.Error("a secret value is shown")
	}
}
