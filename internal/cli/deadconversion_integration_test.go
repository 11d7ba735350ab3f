//go:build integration

package cli

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/appbur/appbur/pkg/restore"
)

// storedAt says at which of its versions new objects of the kind are stored.
func (c *town) storedAt(version string) {
	c.Helper()
	at := map[string]string{
		"v1": `[{"op": "replace", "path": "/spec/versions/0/storage", "value": true}, {"op": "replace", "path": "/spec/versions/1/storage", "value": false}]`,
		"v2": `[{"op": "replace", "path": "/spec/versions/0/storage", "value": false}, {"op": "replace", "path": "/spec/versions/1/storage", "value": true}]`,
	}[version]
	_, err := c.of("CustomResourceDefinition", "").
		Patch(c.Context(), "gadgets.shop.example.org", types.JSONPatchType, []byte(at), metav1.PatchOptions{})
	if err != nil {
		c.Fatal(err)
	}
}

// Objects of a kind whose conversion webhook has nobody who answers: neither they nor the workload that
// answers for it are kept from being restored, also where the target has objects that it cannot read.
func TestADeadConversionWebhookBlocksNothing(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			c := newTown(t, version)
			c.create(slowly)
			c.eventually("the kind is served", func() bool {
				_, err := c.of("Gadget", "shop").List(t.Context(), metav1.ListOptions{})
				return !apierrors.IsNotFound(err)
			})
			c.create(`{apiVersion: shop.example.org/v2, kind: Gadget, metadata: {name: one, namespace: shop}, spec: {size: 3}}`)
			c.create(`{apiVersion: shop.example.org/v2, kind: Gadget, metadata: {name: two, namespace: shop}, spec: {size: 3}}`)
			c.backup(c.cluster)
			again := c.on("restore", "--yes", "--undo-newer")

			c.remove("Gadget", "shop", "one")
			c.remove("Deployment", "shop", "web")
			c.remove("Service", "shop", "web")
			c.ok(again...)
			if !c.there("Gadget", "shop", "one") || !c.there("Deployment", "shop", "web") {
				t.Error("something is missing")
			}

			t.Run("beside what cannot be read", c.unreadable)
		})
	}
}

// unreadable restores beside an object that is stored at another version: it cannot be read, and neither can
// a list with it. What is lost is that object alone.
func (c *town) unreadable(t *testing.T) {
	c.remove("Gadget", "shop", "one")
	c.remove("Gadget", "shop", "two")
	c.storedAt("v1")
	stale := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "shop.example.org/v1", "kind": "Gadget", "metadata": map[string]any{"name": "one"},
	}}
	c.eventually("it is stored at v1", func() bool {
		_, err := c.client.Resource(schema.GroupVersionResource{Group: "shop.example.org", Version: "v1", Resource: "gadgets"}).
			Namespace("shop").Create(t.Context(), stale, metav1.CreateOptions{})
		return err == nil
	})
	c.storedAt("v2")
	c.eventually("it cannot be read", func() bool {
		_, err := c.of("Gadget", "shop").Get(t.Context(), "one", metav1.GetOptions{})
		return restore.IsUnconverted(err)
	})
	c.remove("Deployment", "shop", "web")

	says(t, c.ok(c.on("plan")...), "2 would be created, 0 changed", "1 could not be read")
	code, out, _ := c.run(c.on("restore", "--yes", "--undo-newer", "--no-undo")...)
	if code != ExitPartly {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "2 created, 0 configured", "1 failed", "Gadget.shop.example.org/shop/one",
		"conversion webhook for shop.example.org/v1, Kind=Gadget failed", "nobody answers for the conversion webhook of the kind")
	if !c.there("Gadget", "shop", "two") || !c.there("Deployment", "shop", "web") {
		t.Error("something is missing")
	}

	code, out, _ = c.run(c.on("verify")...)
	if code != ExitDifferent {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "1 findings", "Gadget.shop.example.org cannot be listed: whether any were added is not known")
	says(t, c.ok("activate", "--kubeconfig", c.cluster.Kubeconfig), "not searched", "gadgets")
	says(t, c.ok(c.on("plan", "--prune", "-n", "shop")...), "Gadget.shop.example.org cannot be listed: what was added of it is not known, and stays")
}
