//go:build integration

package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// strangers is what somebody adds to the shop: each of it is deleted.
const strangers = `
{apiVersion: v1, kind: ConfigMap, metadata: {name: extra, namespace: shop}, data: {a: b}}
---
{apiVersion: v1, kind: Secret, metadata: {name: extra, namespace: shop}, stringData: {key: stranger-value}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: extra, namespace: shop}, spec: {ports: [{port: 81}]}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: extra, namespace: shop}, rules: []}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: extra, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: extra}}
  template: {metadata: {labels: {app: extra}}, spec: {containers: [{name: web, image: web}]}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: stuck, namespace: shop, finalizers: [example.org/mine]}}
`

// left is what somebody adds and what a prune leaves.
const left = `
{apiVersion: v1, kind: ConfigMap, metadata: {name: extra, namespace: other}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop-two}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: parent, namespace: shop}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
`

// A prune brings a namespace back to exactly what it was, and deletes nothing else.
func TestAPruneBringsANamespaceBackToExactlyWhatItWas(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			c := newTown(t, version)
			c.create(strangers)
			c.create(left)
			c.owned(t)
			c.newer()
			c.setColour(t, "green")
			c.remove("Service", "shop", "web")

			t.Run("words that would delete more than is meant", c.pruneWords)
			t.Run("the plan names each object, and what is left and why", c.prunePlan)
			t.Run("it is confirmed by its number", c.pruneConfirmed)
			t.Run("a saved plan no longer holds when something more was added", c.prunePlanMoved)
			t.Run("a dry run deletes nothing", c.pruneDry)
			t.Run("an account without the right to delete", c.pruneWithoutRights)
			t.Run("a conflict is told with its manager, and left or taken", c.conflicts)
			t.Run("it deletes what the plan lists, and forces no finalizer", c.pruneApplied)
			t.Run("an undo brings everything back", c.undoPrune)
			t.Run("what was made is deleted again, also after a restore that did not end", c.undoMade)
			t.Run("without the keys nothing that exists is changed", c.undoWithoutKeys)
		})
	}
}

// owned gives the added objects owners: child goes with extra, and parent has to stay, because
// it owns a Secret of the restore point.
func (c *town) owned(t *testing.T) {
	t.Helper()
	extra, err := c.of("ConfigMap", "shop").Get(t.Context(), "extra", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.create(fmt.Sprintf(`{apiVersion: v1, kind: Secret, metadata: {name: child, namespace: shop,
		ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: extra, uid: %s}]}}`, extra.GetUID()))
	parent, err := c.of("ConfigMap", "shop").Get(t.Context(), "parent", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	owners := fmt.Sprintf(`{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"parent","uid":"%s"}]}}`, parent.GetUID())
	_, err = c.of("Secret", "shop").Patch(t.Context(), "token", types.MergePatchType, []byte(owners), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func (c *town) setColour(t *testing.T, colour string) {
	t.Helper()
	patch := []byte(`{"data":{"colour":"` + colour + `"}}`)
	if _, err := c.of("ConfigMap", "shop").Patch(t.Context(), "settings", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// freeStuck takes the finalizer of an object away, as its owner would.
func (c *town) freeStuck(t *testing.T) {
	t.Helper()
	free := []byte(`{"metadata":{"finalizers":[]}}`)
	if _, err := c.of("ConfigMap", "shop").Patch(t.Context(), "stuck", types.MergePatchType, free, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (c *town) pruneWords(t *testing.T) {
	for _, test := range []struct {
		words []string
		says  string
	}{
		{[]string{"--prune"}, "select with -n, --kind, --name or -l, or say --whole-cluster"},
		{[]string{"--prune", "--exclude-namespace", "shop"}, "--whole-cluster"},
		{[]string{"--prune", "--whole-cluster", "-n", "shop"}, "contradict each other"},
		{[]string{"--whole-cluster"}, "is for --prune"},
		{[]string{"--prune", "-n", "shop", "--only", "state"}, "--only state"},
		{[]string{"--prune", "-n", "shop", "--map-namespace", "shop=copy"}, "does not go with --map-namespace"},
	} {
		code, _, errs := c.run(c.on("plan", test.words...)...)
		if code != ExitUsage {
			t.Errorf("%q: exit code %d", test.words, code)
		}
		says(t, errs, test.says)
	}
}

func (c *town) prunePlan(t *testing.T) {
	out := c.ok(c.on("plan", "-n", "shop", "--prune")...)
	says(t, out, "not in the restore point (8)", "  ConfigMap (2)\n    ConfigMap/shop/extra: is not in the restore point; made ",
		"    Secret/shop/child: goes with ConfigMap/extra, which owns it", "    Role.rbac.authorization.k8s.io/shop/extra: ",
		"    Deployment.apps/shop/extra: ", "    ServiceAccount/shop/robot: ", "    Service/shop/extra: ",
		"ConfigMap/shop/parent: it owns Secret/shop/token, which is not deleted",
		"PersistentVolumeClaim/shop/data: it holds data that no restore point has")
	for _, never := range []string{
		"kube-root-ca.crt", "ServiceAccount/shop/default", "ReplicaSet", "Pod/", "ConfigMap/other", "shop-two", "stranger-value",
	} {
		if strings.Contains(out, never) {
			t.Errorf("%s is in the plan:\n%s", never, out)
		}
	}

	// The whole cluster has what is outside of namespaces as well, and never a namespace.
	c.create(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: stranger}, rules: []}`)
	defer c.remove("ClusterRole", "", "stranger")
	out = c.ok(c.on("plan", "--prune", "--whole-cluster")...)
	says(t, out, "not in the restore point (10)", "ClusterRole.rbac.authorization.k8s.io/stranger: is not", "ConfigMap/other/extra: is not",
		"Namespace/shop-two: all that is in a namespace, known or not, would go with it")
}

func (c *town) pruneConfirmed(t *testing.T) {
	for _, test := range []struct {
		words []string
		says  string
	}{
		{nil, "look at the plan, then pass --prune-count 8 as well"},
		{[]string{"--prune-count", "7"}, "the plan deletes 8 objects"},
	} {
		code, _, errs := c.run(c.on("restore", append([]string{"-n", "shop", "--prune", "--yes", "--undo-newer"}, test.words...)...)...)
		if code != ExitUsage {
			t.Errorf("%q: exit code %d", test.words, code)
		}
		says(t, errs, test.says)
	}
	if !c.there("ConfigMap", "shop", "extra") || c.there("Service", "shop", "web") {
		t.Error("something was changed")
	}
}

func (c *town) prunePlanMoved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "restore.plan")
	c.ok(c.on("plan", "-n", "shop", "--prune", "--out", file)...)
	c.create(`{apiVersion: v1, kind: ConfigMap, metadata: {name: late, namespace: shop}}`)
	defer c.remove("ConfigMap", "shop", "late")
	code, _, errs := c.run(append([]string{"restore", "--plan", file, "--yes", "--undo-newer", "--prune-count", "8"}, c.target...)...)
	if code != ExitMoved {
		t.Errorf("exit code %d", code)
	}
	says(t, errs, "ConfigMap/shop/late is now prune")
}

func (c *town) pruneDry(t *testing.T) {
	report := c.restore(c.on("restore", "-n", "shop", "--prune", "--force-conflicts", "--dry-run", "--json"))
	if report.Counts.Deleted != 8 || report.Counts.Failed > 0 {
		t.Errorf("%+v", report.Counts)
	}
	if !c.there("ConfigMap", "shop", "extra") || !c.there("Deployment", "shop", "extra") {
		t.Error("a dry run deleted something")
	}
}

func (c *town) pruneWithoutRights(t *testing.T) {
	c.create(`apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: writer}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: [get, list, create, patch, escalate, bind]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: writers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: writer}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: writer}]`)
	defer c.remove("ClusterRole", "", "writer")
	defer c.remove("ClusterRoleBinding", "", "writers")

	writer := c.as(t, "writer")
	code, out, _ := c.run(writer("restore", "-n", "shop", "--prune", "--yes", "--undo-newer", "--prune-count", "8")...)
	if code != ExitCredentials {
		t.Errorf("exit code %d\n%s", code, out)
	}
	says(t, out, "delete configmaps in shop (2 objects)", "delete deployments.apps in shop (1 object)", "verbs:\n  - delete\n")
	if c.there("Service", "shop", "web") {
		t.Error("something was written")
	}
}

func (c *town) pruneApplied(t *testing.T) {
	prune := append(c.on("restore", "-n", "shop", "--prune", "--force-conflicts", "--yes", "--undo-newer", "--json"), "--prune-count")
	code, out, errs := c.run(append(prune, "8")...)
	if code != ExitPartly {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	says(t, out, `"deleted": 7`, "ConfigMap/shop/stuck", "it waits for its finalizers example.org/mine")
	for _, o := range [][2]string{
		{"ConfigMap", "extra"},
		{"Secret", "extra"},
		{"Secret", "child"},
		{"ServiceAccount", "robot"},
		{"Service", "extra"},
		{"Deployment", "extra"},
	} {
		if c.there(o[0], "shop", o[1]) {
			t.Errorf("%s/%s is still there", o[0], o[1])
		}
	}
	for _, o := range [][3]string{
		{"ConfigMap", "shop", "parent"},
		{"ConfigMap", "other", "extra"},
		{"Namespace", "", "shop-two"},
		{"Secret", "shop", "token"},
		{"ConfigMap", "shop", "kube-root-ca.crt"},
		{"ServiceAccount", "shop", "default"},
		{"Service", "shop", "web"},
	} {
		if !c.there(o[0], o[1], o[2]) {
			t.Errorf("%s/%s/%s is missing", o[0], o[1], o[2])
		}
	}

	// It is told until it is gone, and a second run waits for the same.
	code, out, _ = c.run(c.on("verify", "-n", "shop")...)
	if code != ExitDifferent {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "terminating ConfigMap/shop/stuck: is not in the restore point, is being deleted, and waits for example.org/mine",
		"added ConfigMap/shop/parent")
	c.freeStuck(t)

	out = c.ok(append(prune, "0")...)
	var answer restoreAnswer
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Counts.Created+answer.Counts.Configured+answer.Counts.Deleted > 0 {
		t.Errorf("a second run: %+v", answer.Counts)
	}
	code, out, _ = c.run(c.on("verify", "-n", "shop")...)
	if code != ExitDifferent || !strings.Contains(out, "2 findings") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	c.untouched(t)
}
