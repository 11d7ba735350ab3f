//go:build integration

package cli

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// undo is the command for the town.
func (c *town) undo(more ...string) []string {
	return append(append([]string{"undo"}, c.target...), more...)
}

func (c *town) get(t *testing.T, kind, namespace, name string) *unstructured.Unstructured {
	t.Helper()
	object, err := c.of(kind, namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// nothingToUndo demands that no undo is left.
func (c *town) nothingToUndo(t *testing.T) {
	t.Helper()
	code, _, errs := c.run(c.undo("--yes")...)
	if code != ExitNotFound {
		t.Errorf("exit code %d", code)
	}
	says(t, errs, "there is nothing to undo")
}

// What the prune before deleted and changed comes back, sealed meanwhile, and what it made is deleted.
func (c *town) undoPrune(t *testing.T) {
	tag := strings.Fields(c.git("tag", "--list", "undo-points/*"))
	if len(tag) != 2 {
		t.Fatalf("tags of one undo point: %q", tag)
	}
	if held := c.git("grep", "-h", "-e", "name: extra", tag[0]); !strings.Contains(held, "name: extra") {
		t.Error("the undo point has no manifests")
	}
	plain := base64.StdEncoding.EncodeToString([]byte("stranger-value"))
	for _, secret := range []string{"stranger-value", plain} {
		if out, err := gitCommand(t.Context(), c.repo, "grep", "-e", secret, tag[0]).Output(); err == nil {
			t.Errorf("a secret value is in the undo point:\n%s", out)
		}
	}
	c.ok("repo", "check", "--repo", c.repo, "--keys", c.keys)
	id := strings.TrimPrefix(tag[0], "undo-points/")
	if points := c.ok("points", "list", "--repo", c.repo, "--keys", c.keys); strings.Contains(points, id) {
		t.Errorf("an undo point is among the restore points:\n%s", points)
	}

	code, out, errs := c.run(c.undo("--yes")...)
	if code != ExitUsage {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	says(t, out, "Undo the restore of ", "made by the restore (1)", "Service/shop/web: the restore made it")
	says(t, errs, "--prune-count 1")
	dry := c.restore(c.undo("--dry-run", "--json"))
	if dry.Counts.Deleted != 1 || dry.Counts.Created != 8 || dry.Counts.Configured != 1 || !c.there("Service", "shop", "web") {
		t.Errorf("dry run: %+v", dry.Counts)
	}
	done := c.restore(c.undo("--yes", "--prune-count", "1", "--json"))
	if done.Counts != dry.Counts {
		t.Errorf("done %+v, foretold %+v", done.Counts, dry.Counts)
	}

	settings, secret := c.get(t, "ConfigMap", "shop", "settings"), c.get(t, "Secret", "shop", "extra")
	if colour, _, _ := unstructured.NestedString(settings.Object, "data", "colour"); colour != "green" {
		t.Errorf("the colour is %s", colour)
	}
	if value, _, _ := unstructured.NestedString(secret.Object, "data", "key"); value != plain {
		t.Error("the value of the Secret is another")
	}
	extra, child := c.get(t, "ConfigMap", "shop", "extra"), c.get(t, "Secret", "shop", "child")
	if owners := child.GetOwnerReferences(); len(owners) != 1 || owners[0].UID != extra.GetUID() {
		t.Errorf("owners of the child: %v", owners)
	}
	if c.there("Service", "shop", "web") || !c.there("Deployment", "shop", "extra") || !c.there("ServiceAccount", "shop", "robot") {
		t.Error("it is not as it was before the restore")
	}
	c.nothingToUndo(t)
	c.freeStuck(t)
}

// What a restore made goes again: by uid, or where the restore did not end by what was not there
// before. What somebody made since under the same name stays, and with it its namespace.
func (c *town) undoMade(t *testing.T) {
	c.remove("Namespace", "", "shop")
	for _, ended := range []bool{true, false} {
		c.ok(c.on("restore", "-n", "shop", "--yes", "--undo-newer")...)
		if !ended {
			for _, tag := range strings.Fields(c.git("tag", "--list", "undo-points/*-made")) {
				c.git("tag", "--delete", tag)
			}
		}
		out := c.ok(c.undo("--yes", "--prune-count", "6")...)
		says(t, out, "6 deleted")
		if c.there("Namespace", "", "shop") {
			t.Errorf("ended %v: the namespace is still there", ended)
		}
		c.nothingToUndo(t)
	}

	c.ok(c.on("restore", "-n", "shop", "--yes", "--undo-newer")...)
	c.remove("ConfigMap", "shop", "settings")
	c.create(`{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {colour: mine}}`)
	out := c.ok(c.undo("--yes", "--prune-count", "4")...)
	says(t, out, "ConfigMap/shop/settings: another object of this name was made since",
		"Namespace/shop: it holds ConfigMap/shop/settings, which stays")
	if !c.there("ConfigMap", "shop", "settings") || c.there("Deployment", "shop", "web") {
		t.Error("it is not as the plan says")
	}
	c.ok(c.on("restore", "-n", "shop", "--yes", "--undo-newer", "--force-conflicts", "--no-undo")...)
	c.nothingToUndo(t)
}

// A machine that cannot sign makes no undo point: it restores what is missing, and changes nothing.
func (c *town) undoWithoutKeys(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(keys, os.DirFS(c.keys)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(keys, "signing.key")); err != nil {
		t.Fatal(err)
	}
	restoring := append(slices.Clone(c.on("restore", "-n", "shop", "--yes", "--undo-newer", "--force-conflicts")), "--keys", keys)

	c.setColour(t, "green")
	code, _, errs := c.run(restoring...)
	if code != ExitCredentials {
		t.Errorf("exit code %d", code)
	}
	says(t, errs, "an undo point of the 1 object that it changes cannot be made", "--no-undo")
	settings := c.get(t, "ConfigMap", "shop", "settings")
	if colour, _, _ := unstructured.NestedString(settings.Object, "data", "colour"); colour != "green" {
		t.Errorf("the colour is %s", colour)
	}

	c.remove("ConfigMap", "shop", "settings")
	code, _, errs = c.run(restoring...)
	if code != ExitDone {
		t.Errorf("exit code %d", code)
	}
	says(t, errs, "cannot be undone by appbur undo")
}
