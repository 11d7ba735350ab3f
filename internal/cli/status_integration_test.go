//go:build integration

package cli

import (
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// machinery are two kinds with a status: one as a subresource, one as a field like any other.
const machinery = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pumps.machinery.example.org}
spec:
  group: machinery.example.org
  scope: Namespaced
  names: {kind: Pump, plural: pumps, singular: pump, listKind: PumpList, shortNames: [pu]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: valves.machinery.example.org}
spec:
  group: machinery.example.org
  scope: Namespaced
  names: {kind: Valve, plural: valves, singular: valve, listKind: ValveList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// plant is a cluster with objects of both kinds.
type plant struct{ *town }

func newPlant(t *testing.T, version string) *plant {
	for kind, resource := range map[string]string{"Pump": "pumps", "Valve": "valves"} {
		shopResources[kind] = schema.GroupVersionResource{Group: "machinery.example.org", Version: "v1", Resource: resource}
	}
	c := &plant{emptyTown(t, version)}
	c.target = []string{"--repo", c.repo, "--keys", c.keys, "--kubeconfig", c.cluster.Kubeconfig}
	c.create(strings.TrimSpace(machinery))
	for _, kind := range []string{"Pump", "Valve"} {
		c.make(kind)
	}
	c.backup(c.cluster)
	return c
}

// make makes an object with a status, once its definition is served.
func (c *plant) make(kind string) {
	c.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "machinery.example.org/v1", "kind": kind, "metadata": map[string]any{"name": "one", "namespace": "default"},
		"spec": map[string]any{"flow": int64(3)}, "status": map[string]any{"phase": "Running"},
	}}
	made, err := c.of(kind, "default").Create(c.Context(), object, metav1.CreateOptions{})
	for apierrors.IsNotFound(err) {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-c.Context().Done():
			c.Fatal(c.Context().Err())
		}
		made, err = c.of(kind, "default").Create(c.Context(), object, metav1.CreateOptions{})
	}
	if err != nil {
		c.Fatal(err)
	}
	if kind == "Pump" {
		made.Object["status"] = object.Object["status"]
		if _, err := c.of(kind, "default").UpdateStatus(c.Context(), made, metav1.UpdateOptions{}); err != nil {
			c.Fatal(err)
		}
	}
}

// phases are the statuses that the objects have.
func (c *plant) phases(t *testing.T) string {
	t.Helper()
	var phases []string
	for _, kind := range []string{"Pump", "Valve"} {
		object, err := c.of(kind, "default").Get(t.Context(), "one", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		phase, _, err := unstructured.NestedString(object.Object, "status", "phase")
		if err != nil {
			t.Fatal(err)
		}
		phases = append(phases, kind+"="+phase)
	}
	return strings.Join(phases, " ")
}

// The saved status of chosen kinds is restored, and of no others, on real servers.
func TestStatusOfChosenKindsIsRestored(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			c := newPlant(t, version)
			for name, test := range map[string]struct {
				flags         []string
				phases, notes string
			}{
				"of all":                  {nil, "Pump=Running Valve=Running", ""},
				"not of one":              {[]string{"--no-status", "pump"}, "Pump= Valve=Running", "Pump.machinery.example.org (1)"},
				"not of a short name":     {[]string{"--no-status", "pu"}, "Pump= Valve=Running", "Pump.machinery.example.org (1)"},
				"not where it is a field": {[]string{"--no-status", "valves"}, "Pump=Running Valve=", "Valve.machinery.example.org (1)"},
				"of one":                  {[]string{"--status", "pump.machinery.*"}, "Pump=Running Valve=", "Valve.machinery.example.org (1)"},
				"not of a pattern":        {[]string{"--no-status", "*.machinery.example.org"}, "Pump= Valve=", "Pump.machinery.example.org (1)"},
				"of a list and not of some": {
					[]string{"--status", "pump,valve", "--no-status", "pump"}, "Pump= Valve=Running", "Pump.machinery.example.org (1)",
				},
			} {
				t.Run(name, func(t *testing.T) {
					c.remove("Pump", "default", "one")
					c.remove("Valve", "default", "one")
					plan := c.ok(c.on("plan", test.flags...)...)
					if told := strings.Contains(plan, "is not restored, as asked"); told != (test.notes != "") {
						t.Errorf("the plan says %s", plan)
					}
					says(t, plan, test.notes)

					c.ok(c.on("restore", append(test.flags, "--yes", "--undo-newer")...)...)
					if got := c.phases(t); got != test.phases {
						t.Errorf("%s; want %s", got, test.phases)
					}
					c.ok(c.on("verify", test.flags...)...)
				})
			}
			t.Run("words that mean nothing", c.meaningless)
			t.Run("by a saved plan", c.saved)
		})
	}
}

func (c *plant) meaningless(t *testing.T) {
	code, _, errs := c.run(c.on("plan", "--status", "deployment")...)
	if code != ExitNotFound {
		t.Errorf("exit code %d", code)
	}
	says(t, errs, "--status: the restore point has no status of deployment", "Pump.machinery.example.org, Valve.machinery.example.org")
	if code, _, errs = c.run(c.on("plan", "--no-status", "deployment")...); code != ExitDone {
		t.Errorf("exit code %d", code)
	}
	says(t, errs, "--no-status leaves nothing out: the restore point has no status of deployment")
	if code, _, errs = c.run(c.on("plan", "--status", "[")...); code != ExitUsage {
		t.Errorf("exit code %d", code)
	}
	says(t, errs, "--status")
}

func (c *plant) saved(t *testing.T) {
	c.remove("Pump", "default", "one")
	file := t.TempDir() + "/restore.plan"
	c.ok(c.on("plan", "--no-status", "pump", "--out", file)...)
	c.ok(append([]string{"restore", "--plan", file, "--yes", "--undo-newer"}, c.target...)...)
	if got := c.phases(t); !strings.HasPrefix(got, "Pump= ") {
		t.Errorf("%s", got)
	}
}
