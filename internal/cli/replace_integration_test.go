//go:build integration

package cli

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
)

// other is the shop with fields that cannot be changed back.
const other = `
{apiVersion: v1, kind: Secret, metadata: {name: token, namespace: shop}, immutable: true, stringData: {key: other-value}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: shop-reads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: []
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: other}}
  template: {metadata: {labels: {app: other}}, spec: {containers: [{name: web, image: other}]}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web, namespace: shop}
spec: {accessModes: [ReadWriteOnce], storageClassName: other, resources: {requests: {storage: 1Mi}}}
`

// In place: over what cannot be changed, and beside a controller that does not want it changed.
func TestARestoreInPlaceMeetsWhatResists(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			c := newTown(t, version)
			t.Run("what cannot be changed is told, and replaced only when asked", c.replaceImmutable)
			t.Run("beside a controller that reverts what it owns", c.besideAController)
		})
	}
}

// What cannot be changed is told by the plan and by a dry run, is a failure, and is deleted and created
// again only with --replace-immutable. What holds data, or owns something that nobody makes again, is not.
func (c *town) replaceImmutable(t *testing.T) {
	c.create(strings.Replace(other[strings.LastIndex(other, "apiVersion: v1\nkind: Pers"):], "other", "saved", 1))
	c.backup(c.cluster)
	c.remove("Secret", "shop", "token")
	c.remove("ClusterRoleBinding", "", "shop-reads")
	c.remove("Deployment", "shop", "web")
	c.remove("PersistentVolumeClaim", "shop", "web")
	c.create(other)

	chosen := []string{"--kind", "secret,clusterrolebinding,deployment,pvc", "--name", "token,shop-reads,web", "--with-dependencies=false"}
	says(t, c.ok(c.on("plan", append(chosen, "--diff", "--conflicts", "force")...)...), "Secret/shop/token", "cannot be changed: ",
		"and is not replaced: its data would be lost")
	code, out, _ := c.run(c.on("restore", append(chosen, "--dry-run", "--conflicts", "force")...)...)
	if code != ExitPartly {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "4 failed", "--replace-immutable")

	replacing := append(chosen, "--conflicts", "force", "--replace-immutable")
	says(t, c.ok(c.on("plan", replacing...)...), "Deleted and created again, because fields cannot be changed (3)",
		"PersistentVolumeClaim/shop/web: it cannot be changed, and is not replaced: its data would be lost")
	code, out, _ = c.run(c.on("restore", append(replacing, "--dry-run")...)...)
	if code != ExitPartly {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "3 configured", "1 failed")
	claim, before := c.get(t, "PersistentVolumeClaim", "shop", "web"), c.get(t, "Secret", "shop", "token")

	code, out, _ = c.run(c.on("restore", append(replacing, "--yes", "--undo-newer")...)...)
	if code != ExitPartly {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "3 configured", "1 failed", "it was deleted and created again")
	web, token := c.get(t, "Deployment", "shop", "web"), c.get(t, "Secret", "shop", "token")
	app, _, _ := unstructured.NestedString(web.Object, "spec", "selector", "matchLabels", "app")
	if app != "web" || token.GetUID() == before.GetUID() {
		t.Errorf("not replaced: %s", app)
	}
	if now := c.get(t, "PersistentVolumeClaim", "shop", "web"); now.GetUID() != claim.GetUID() {
		t.Error("a claim was replaced")
	}

	// An undo has the same fields to change back.
	code, _, _ = c.run(c.undo("--yes")...)
	if code != ExitPartly {
		t.Errorf("undo: exit code %d", code)
	}
	c.ok(c.undo("--yes", "--replace-immutable")...)
	web = c.get(t, "Deployment", "shop", "web")
	if app, _, _ := unstructured.NestedString(web.Object, "spec", "selector", "matchLabels", "app"); app != "other" {
		t.Errorf("not undone: %s", app)
	}
	c.ok(c.on("restore", "-n", "shop", "--exclude-kind", "pvc", "--yes", "--undo-newer", "--conflicts", "force", "--replace-immutable")...)
}

// A controller that owns a field and reverts it wins where it is not forced, and is told; where it is
// forced the restore ends all the same, and verify says who has what.
func (c *town) besideAController(t *testing.T) {
	held := "held"
	revert := func() error {
		patch := []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"shop"},"data":{"colour":"` + held + `"}}`)
		yes := true
		_, err := c.of("ConfigMap", "shop").Patch(t.Context(), "settings", types.ApplyPatchType, patch,
			metav1.PatchOptions{FieldManager: "keeper", Force: &yes})
		return err
	}
	if err := retry.RetryOnConflict(retry.DefaultRetry, revert); err != nil {
		t.Fatal(err)
	}
	stop := c.keep(t, revert)
	defer stop()

	settings := []string{"configmap/settings", "-n", "shop", "--yes", "--undo-newer"}
	code, out, _ := c.run(c.on("restore", settings...)...)
	if code != ExitPartly {
		t.Errorf("exit code %d", code)
	}
	says(t, out, `conflict with "keeper"`)
	c.ok(c.on("restore", append(settings, "--conflicts", "skip")...)...)
	c.ok(c.on("restore", append(settings, "--conflicts", "force")...)...)

	c.untilColour(t, held)
	code, out, _ = c.run(c.on("verify", "configmap/settings", "-n", "shop")...)
	if code != ExitDifferent {
		t.Errorf("exit code %d", code)
	}
	says(t, out, `data.colour should be "red", is "held"`)
}
