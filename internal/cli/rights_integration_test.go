//go:build integration

package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/restore"
)

// as is on for the account of a user.
func (c *town) as(t *testing.T, user string) func(command string, more ...string) []string {
	kubeconfig := actingAs(t, c.cluster, user)
	return func(command string, more ...string) []string {
		return append(c.on(command, more...), "--kubeconfig", kubeconfig) // the last one counts
	}
}

// An account that may only look is told before the first write which rights it lacks, as roles;
// with these it restores. What is as planned needs none.
func (c *town) withoutRights(t *testing.T) {
	c.create(`apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: viewers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: viewer}]`)
	viewer := c.as(t, "viewer")
	c.ok(viewer("restore", "configmap/settings", "-n", "shop", "--yes", "--undo-newer")...)

	c.remove("ConfigMap", "shop", "settings")
	for _, args := range [][]string{viewer("restore", "-n", "shop", "--yes", "--undo-newer"), viewer("restore", "-n", "shop", "--dry-run")} {
		code, out, errs := c.run(args...)
		if code != ExitCredentials {
			t.Errorf("exit code %d", code)
		}
		says(t, out, "create configmaps in shop (1 object)", "kind: Role\n",
			"create leases.coordination.k8s.io in kube-system", "update leases.coordination.k8s.io appbur-restore in kube-system")
		says(t, errs, "the account lacks rights that the plan needs", "appbur: hint: ")
		if c.there("ConfigMap", "shop", "settings") {
			t.Fatal("it was written")
		}
	}

	code, out, _ := c.run(viewer("plan", "-n", "shop", "--json")...)
	if code != ExitCredentials {
		t.Errorf("plan: exit code %d", code)
	}
	var plan struct{ Rights restore.Rights }
	if err := json.Unmarshal([]byte(out), &plan); err != nil {
		t.Fatal(err)
	}
	for _, missing := range plan.Rights.Missing {
		if missing.Resource == "deployments" || missing.Resource == "services" || missing.Resource == "namespaces" {
			t.Errorf("%s is not needed: nothing of it changed", missing)
		}
	}

	documents := strings.Split(plan.Rights.Manifest, "---\n")
	if plan.Rights.Account == "" { // 1.24 does not say it
		documents = append(documents[1:], bound("RoleBinding", "shop"), bound("RoleBinding", "kube-system"), bound("ClusterRoleBinding", ""))
	}
	defer c.remove("ClusterRoleBinding", "", "appbur-restore")
	c.create(strings.Join(documents, "\n---\n"))
	c.ok(viewer("restore", "-n", "shop", "--yes", "--undo-newer")...)
	if !c.there("ConfigMap", "shop", "settings") {
		t.Error("it was not written")
	}
}

// bound binds the viewer to the role of missing rights.
func bound(kind, namespace string) string {
	return `{apiVersion: rbac.authorization.k8s.io/v1, kind: ` + kind + `, metadata: {name: appbur-restore, namespace: "` + namespace + `"},
		roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ` + strings.TrimSuffix(kind, "Binding") + `, name: appbur-restore},
		subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: viewer}]}`
}

// Roles and bindings that would be refused for what they give are told in advance.
func (c *town) escalating(t *testing.T) {
	c.create(`apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: builder}
rules: [{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles, clusterrolebindings], verbs: [get, list, create, patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: builders}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: builder}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: builder}]`)
	c.remove("ClusterRoleBinding", "", "shop-reads")
	c.remove("ClusterRole", "", "shop-reader")
	both := []string{"clusterrole/shop-reader", "clusterrolebinding/shop-reads", "--with-dependencies=false", "--no-lock"}
	defer c.ok(c.on("restore", append(slices.Clone(both), "--yes")...)...)

	builder := c.as(t, "builder")
	said := c.ok(builder("plan", both...)...)
	says(t, said, "give rights that the account does not have (2)",
		"ClusterRole.rbac.authorization.k8s.io/shop-reader: have them, or the verb escalate: get configmaps",
		"ClusterRoleBinding.rbac.authorization.k8s.io/shop-reads: have them, or the verb bind: get configmaps")
	code, out, _ := c.run(builder("restore", append(both, "--yes", "--undo-newer")...)...)
	if code != ExitPartly {
		t.Errorf("exit code %d\n%s", code, out)
	}
	says(t, out, "attempting to grant RBAC permissions not currently held")
}
