//go:build integration

package cli

import (
	"path/filepath"
	"strings"
	"testing"
)

// An account without the right to run commands in pods is told so before anything is written, where an application is
// commands in pods, and not where it has an address.
func (f *found) commandsInPods(t *testing.T) {
	f.create(`apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: looker}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: looker}]`)
	kubeconfig := actingAs(t, f.cluster, "looker")
	file := filepath.Join(t.TempDir(), "orders.yaml")
	writeFile(t, file, `
app: orders
version: "1.0"
in: {selector: app=db, container: db}
rollback: none
datasets:
- {name: orders, mediaType: text/plain, export: {argv: [cat]}, import: {argv: [cat]}}
`)
	had := f.app.has()

	for address, needed := range map[string]bool{"commands:" + file: true, "127.0.0.1:1": false} {
		args := append(f.on("restore", "-n", "shop", "--yes", "--undo-newer", "--app", "shop/orders="+address), "--kubeconfig", kubeconfig)
		code, out, errs := f.run(args...)
		if code != ExitCredentials {
			t.Errorf("%s: exit code %d\n%s%s", address, code, out, errs)
		}
		if got := strings.Contains(out, "create pods/exec in shop") && strings.Contains(out, "pods/exec\n"); got != needed {
			t.Errorf("%s: the right to run commands is asked for: %t\n%s", address, got, out)
		}
	}
	code, out, _ := f.run(append(f.on("plan", "-n", "shop", "--find-app-commands", "shop"), "--kubeconfig", kubeconfig)...)
	if code != ExitCredentials || !strings.Contains(out, "create pods/exec in shop") || strings.Contains(out, "list configmaps in shop") {
		t.Errorf("plan: exit code %d\n%s", code, out)
	}
	if f.app.has() != had {
		t.Error("the application was written")
	}
}
