//go:build integration

package cli

import (
	"encoding/json"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A restored cluster needs some time until it is what it was: verify gives it that, and says what is
// not ready. A restore says how long each part of it took.
func TestVerifyWaitsUntilTheClusterHasSettled(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			c := newTown(t, version)
			t.Run("how long a restore took", c.timed)
			t.Run("readiness", c.settledReady)
			t.Run("what a controller repairs", c.settledRepair)
			t.Run("what was pruned is gone", c.prunedIsGone)
		})
	}
}

func (c *town) timed(t *testing.T) {
	c.remove("Namespace", "", "shop")
	var answer struct{ Times restoreTimes }
	if err := json.Unmarshal([]byte(c.ok(c.on("restore", "--yes", "--undo-newer", "--json")...)), &answer); err != nil {
		t.Fatal(err)
	}
	times, names := answer.Times, map[string]bool{}
	for _, part := range times.Parts {
		names[part.Name] = true
	}
	for _, want := range []string{
		"reading the restore point", "plan", "confirmation", "preparation", "objects", "release of what was paused",
	} {
		if !names[want] {
			t.Errorf("nothing is said of %q: %+v", want, times.Parts)
		}
	}
	if !times.Captured.Before(times.Began) || !times.Began.Before(times.Ended) {
		t.Errorf("%+v", times)
	}
	says(t, c.ok(c.on("restore", "--yes")...), "recovery time ", "(reading the restore point ", "; recovery point ", " old\n")
}

func (c *town) settledReady(t *testing.T) {
	c.ok(c.on("verify")...)
	code, out, _ := c.run(c.on("verify", "--ready", "--settle", "1s")...)
	if code != ExitDifferent {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "not-ready Deployment.apps/shop/web: is InProgress: ", "; looked at ")

	c.makePodsReady()
	c.ok(c.on("verify", "--ready", "--settle", "1m")...)
}

// settledRepair has somebody repair what is different while verify waits for it.
func (c *town) settledRepair(t *testing.T) {
	patch := func(colour string) error {
		_, err := c.of("ConfigMap", "shop").Patch(t.Context(), "settings", types.MergePatchType,
			[]byte(`{"data":{"colour":"`+colour+`"}}`), metav1.PatchOptions{})
		return err
	}
	if err := patch("blue"); err != nil {
		t.Fatal(err)
	}
	code, out, _ := c.run(c.on("verify")...)
	if code != ExitDifferent {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "different ConfigMap/shop/settings")

	repaired := make(chan error, 1)
	time.AfterFunc(time.Second, func() { repaired <- patch("red") })
	c.ok(c.on("verify", "--settle", "1m")...)
	if err := <-repaired; err != nil {
		t.Error(err)
	}
}

// prunedIsGone finds what a prune deletes as long as it is there, and not afterwards.
func (c *town) prunedIsGone(t *testing.T) {
	c.create(`{apiVersion: v1, kind: ConfigMap, metadata: {name: extra, namespace: shop, finalizers: [example.org/slow]}, data: {a: b}}`)
	pruning := c.on("restore", "-n", "shop", "--prune", "--prune-count", "1", "--yes", "--undo-newer")
	if code, out, errs := c.run(pruning...); code != ExitPartly {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	code, out, _ := c.run(c.on("verify", "-n", "shop")...)
	if code != ExitDifferent {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "ConfigMap/shop/extra: ")

	freed := make(chan error, 1)
	time.AfterFunc(time.Second, func() {
		_, err := c.of("ConfigMap", "shop").Patch(t.Context(), "extra", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`),
			metav1.PatchOptions{})
		freed <- err
	})
	c.ok(c.on("verify", "-n", "shop", "--settle", "1m")...)
	if err := <-freed; err != nil {
		t.Error(err)
	}
}
