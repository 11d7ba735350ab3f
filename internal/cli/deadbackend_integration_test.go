//go:build integration

package cli

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/appbur/appbur/pkg/restore"
)

// deadAPI registers an API whose backend does not exist, and waits until discovery fails for it.
func (c *town) deadAPI(t *testing.T) {
	t.Helper()
	c.create(`
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.dead.example.org}
spec: {group: dead.example.org, version: v1, groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true,
  service: {namespace: other, name: nobody}}
`)
	client, err := discovery.NewDiscoveryClientForConfig(c.cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	c.eventually("discovery fails for the API", func() bool {
		_, _, err := client.ServerGroupsAndResources()
		return discovery.IsGroupDiscoveryFailedError(err)
	})
}

// A restore that failed before it wrote anything leaves no undo point behind.
func TestNothingWrittenIsNothingToUndo(t *testing.T) {
	c := newTown(t, "1.37.1")
	c.setColour(t, "green")
	code, out, errs := c.run(c.on("restore", "configmap/settings", "-n", "shop", "--yes", "--undo-newer")...)
	if code != ExitPartly {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	says(t, out, "0 created, 0 configured, 1 unchanged, 0 skipped, 1 failed")
	if strings.Contains(out, "undo point") {
		t.Errorf("there is an undo point:\n%s", out)
	}
	c.nothingToUndo(t)
}

// Beside an API whose backend is gone, an undo brings back and deletes what is known. It cannot
// know what is in a namespace, and leaves that.
func TestUndoBesideADeadAPI(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			c := newTown(t, version)
			c.remove("Namespace", "", "shop")
			c.deadAPI(t)
			c.ok(c.on("restore", "-n", "shop", "--yes", "--undo-newer")...)
			out := c.ok(c.undo("--yes", "--prune-count", "5")...)
			says(t, out, "5 deleted", "Namespace/shop: ", "dead.example.org cannot be listed: whether it is empty is not known")
			if c.there("ConfigMap", "shop", "settings") || !c.there("Namespace", "", "shop") {
				t.Error("it is not as the plan says")
			}
			c.nothingToUndo(t)
		})
	}
}

// What is paused is found and released beside an API whose backend is gone, and where admission
// refuses the lock, because the backend of its webhook is gone as well.
func TestActivateBesideDeadBackends(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			c := newTown(t, version)
			c.create(`
apiVersion: batch/v1
kind: CronJob
metadata: {name: minutely, namespace: shop}
spec: {schedule: "* * * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: x, image: x}]}}}}}
`)
			c.backup(c.cluster)
			c.remove("CronJob", "shop", "minutely")
			c.deadAPI(t)
			says(t, c.ok(c.on("restore", "-n", "shop", "--yes", "--undo-newer", "--activate", "later")...), "stays paused: 1 object")

			c.create(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard}
webhooks:
- name: guard.example.org
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 1
  clientConfig: {service: {namespace: other, name: nobody}}
  rules: [{apiGroups: [coordination.k8s.io], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [leases]}]
`)
			lease := &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": map[string]any{"name": "probe", "namespace": "other"},
			}}
			leases := schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}
			c.eventually("the webhook is asked", func() bool {
				_, err := c.client.Resource(leases).Namespace("other").
					Create(t.Context(), lease, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
				return restore.IsAdmission(err)
			})

			code, out, errs := c.run("activate", "--kubeconfig", c.cluster.Kubeconfig, "--yes")
			if code != ExitDone {
				t.Errorf("exit code %d", code)
			}
			says(t, errs, "no lock was taken, and others are not stopped, because admission in the target refuses it")
			says(t, out, "released: 1 object")
		})
	}
}
