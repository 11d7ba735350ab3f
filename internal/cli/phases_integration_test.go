//go:build integration

package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// pipes is a kind whose controller is the test.
const pipes = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pipes.shop.example.org}
spec:
  group: shop.example.org
  scope: Namespaced
  names: {kind: Pipe, plural: pipes, singular: pipe, listKind: PipeList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

//integration:own-tests It adds kinds to a table that only tests with the tag read.
func init() {
	shopResources["Pipe"] = schema.GroupVersionResource{Group: "shop.example.org", Version: "v1", Resource: "pipes"}
	shopResources["Pod"] = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
}

// What a user declares comes one after the other: each phase when the one before is ready, and nothing
// after one that is not.
func TestDeclaredPhasesComeOneAfterTheOther(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			c := newTown(t, version)
			c.create(pipes)
			c.eventually("the kind is served", func() bool {
				_, err := c.of("Pipe", "shop").List(t.Context(), metav1.ListOptions{})
				return err == nil
			})
			c.create(`{apiVersion: shop.example.org/v1, kind: Pipe, metadata: {name: main, namespace: shop}, spec: {wide: 3}}`)
			c.backup(c.cluster)

			t.Run("shown, and waited for in no dry run", c.phasesShown)
			t.Run("a workload that is not ready in time, and then is", c.unreadyWorkload)
			t.Run("a custom resource with a condition", c.readyPipe)
			t.Run("by a saved plan", c.savedPhases)
			t.Run("phases that contradict what is needed", c.contradictingPhases)
		})
	}
}

// phases writes a file of phases and returns the flag that names it.
func (c *town) phases(text string) string {
	c.Helper()
	path := filepath.Join(c.TempDir(), "phases.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.Fatal(err)
	}
	return "--phases=" + path
}

const frontFirst = `
phases:
- {name: front, objects: [deployment/web], timeout: 2s}
- {name: pipes, kinds: [pipe], wait: false}
`

func (c *town) phasesShown(t *testing.T) {
	c.remove("Namespace", "", "shop")
	front := c.phases(strings.Replace(frontFirst, "2s", "1h", 1))
	says(t, c.ok(c.on("plan", front)...), "Phases (2), then all else\n",
		"1. front: 1 object and 5 that they need; to be ready within 1h0m0s: Deployment.apps/shop/web\n",
		"2. pipes: 1 object and 1 that they need: Pipe.shop.example.org/shop/main\n")
	c.ok(c.on("restore", front, "--dry-run")...)
}

func (c *town) unreadyWorkload(t *testing.T) {
	front := c.phases(frontFirst)
	page := filepath.Join(t.TempDir(), "restore.md")
	code, out, errs := c.run(c.on("restore", "--yes", "--undo-newer", "--report", page, front)...)
	if code != ExitPartly {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	says(t, out, "not ready", "Deployment.apps/shop/web", "phase front: InProgress: ",
		"objects were not tried; run the same command again to go on")
	says(t, errs, "a phase did not become ready: front, within 2s: Deployment.apps/shop/web is InProgress", "hint: see to these objects")
	reported, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	says(t, string(reported), "## Not ready (1)", "| of that: phase front | ", "| of that: waiting for phase front | ")

	for object, want := range map[[2]string]bool{
		{"Secret", "token"}: true, {"ServiceAccount", "web"}: true, // what it needs
		{"Pipe", "main"}: false, {"ConfigMap", "settings"}: false, {"Service", "web"}: false, // what comes after it
	} {
		if got := c.there(object[0], "shop", object[1]); got != want {
			t.Errorf("%s is there: %t", object, got)
		}
	}

	c.makePodsReady()
	report := c.restore(c.on("restore", "--yes", "--undo-newer", "--json", c.phases(strings.Replace(frontFirst, "2s", "1m", 1))))
	if report.Counts.Failed > 0 || report.Remaining > 0 || len(report.Phases) != 2 || len(report.Phases[0].NotReady) > 0 {
		t.Errorf("%+v, %+v", report.Counts, report.Phases)
	}
	c.ok(c.on("verify")...)
}

// makePodsReady does what no node does here.
func (c *town) makePodsReady() {
	c.Helper()
	c.eventually("there is a Pod", func() bool {
		pods, err := c.of("Pod", "shop").List(c.Context(), metav1.ListOptions{})
		if err != nil {
			c.Fatal(err)
		}
		for _, pod := range pods.Items {
			const ready = `{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}`
			if _, err := c.of("Pod", "shop").Patch(c.Context(), pod.GetName(), types.MergePatchType, []byte(ready), metav1.PatchOptions{}, "status"); err != nil {
				c.Fatal(err)
			}
		}
		return len(pods.Items) > 0
	})
}

// readyPipe has a controller say that a pipe is ready while the restore waits for it.
func (c *town) readyPipe(t *testing.T) {
	c.remove("Pipe", "shop", "main")
	c.remove("ConfigMap", "shop", "settings")
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.eventually("the pipe is there", func() bool { return c.there("Pipe", "shop", "main") })
		live, err := c.of("Pipe", "shop").Get(t.Context(), "main", metav1.GetOptions{})
		if err == nil {
			err = unstructured.SetNestedSlice(live.Object, []any{map[string]any{"type": "Flows", "status": "True"}}, "status", "conditions")
		}
		if err == nil {
			_, err = c.of("Pipe", "shop").UpdateStatus(t.Context(), live, metav1.UpdateOptions{})
		}
		if err != nil {
			t.Error(err)
		}
	}()
	c.ok(c.on("restore", "--yes", "--undo-newer", c.phases("phases: [{name: pipes, kinds: [pipe], condition: Flows, timeout: 1m}]"))...)
	<-done

	version := func(kind, name string) int {
		live, err := c.of(kind, "shop").Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(live.GetResourceVersion())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if pipe, settings := version("Pipe", "main"), version("ConfigMap", "settings"); settings < pipe {
		t.Errorf("the settings were written at %d, before the pipe was ready at %d", settings, pipe)
	}
}

// savedPhases are part of a plan that was looked at.
func (c *town) savedPhases(t *testing.T) {
	c.remove("ConfigMap", "shop", "settings")
	file := strings.TrimPrefix(c.phases("phases: [{name: pipes, kinds: [pipe], timeout: 1m}]"), "--phases=")
	saved := filepath.Join(t.TempDir(), "restore.plan")
	c.ok(c.on("plan", "--phases", file, "--out", saved)...)
	byPlan := append([]string{"restore", "--plan", saved, "--yes", "--undo-newer"}, c.target...)

	if err := os.WriteFile(file, []byte("phases: [{name: pipes, kinds: [pipe], timeout: 2m}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := c.run(byPlan...); code != ExitMoved || !strings.Contains(errs, "the saved plan no longer holds") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if err := os.WriteFile(file, []byte("phases: [{name: pipes, kinds: [pipe], timeout: 1m}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.ok(byPlan...)
}

func (c *town) contradictingPhases(t *testing.T) {
	for text, want := range map[string]string{
		"phases: [{name: apps, kinds: [deployment]}, {name: secrets, kinds: [secret]}]": "Deployment.apps/shop/web needs Secret/shop/token, " +
			"which comes in phase secrets, after phase apps of Deployment.apps/shop/web",
		"phases: [{name: pipes, kinds: [pipe]}, {name: kinds, kinds: [crd]}]": "Pipe.shop.example.org/shop/main needs " +
			"CustomResourceDefinition.apiextensions.k8s.io/pipes.shop.example.org, which comes in phase kinds",
		"phases: [{name: one, kinds: [pipe]}, {name: two, names: [main]}]": "an object is in two phases: Pipe.shop.example.org/shop/main is in one and in two",
	} {
		code, _, errs := c.run(c.on("plan", c.phases(text))...)
		if code != ExitUsage {
			t.Errorf("exit code %d", code)
		}
		says(t, errs, want, "hint: choose ")
	}
	code, _, errs := c.run(c.on("plan", c.phases("phases: [{name: one, kinds: [pip]}]"))...)
	if code != ExitNotFound {
		t.Errorf("exit code %d", code)
	}
	says(t, errs, "--phases: phase one: ", "did you mean pipe")
}
