//go:build integration

package capture_test

import (
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/faultproxy"
)

// TestEveryLegalNameIsSaved creates objects whose names no file system takes on a
// real API server, which does. They are saved, and a second backup changes nothing.
func TestEveryLegalNameIsSaved(t *testing.T) {
	w := newWorld(t, "1.24.17", faultproxy.HTTP2)
	const group = "rbac.authorization.k8s.io"
	names := map[string][]appbur.ObjectID{
		"configmaps": {
			{Kind: "ConfigMap", Namespace: "long", Name: strings.Repeat("a", 253)},
			{Kind: "ConfigMap", Namespace: "long", Name: strings.Repeat("a", 252) + "b"},
			{Kind: "ConfigMap", Namespace: "long", Name: "bystander"},
		},
		"secrets": {{Kind: "Secret", Namespace: "long", Name: strings.Repeat("a", 253)}},
		"roles": {
			{Group: group, Kind: "Role", Namespace: "long", Name: strings.Repeat("監", 30)},
			{Group: group, Kind: "Role", Namespace: "long", Name: strings.Repeat("Team:", 400)},
		},
		"clusterroles": {{
			Group: group, Kind: "ClusterRole",
			Name: "Team-Platform-Engineering:Production-Cluster-EU-West-1:Namespace-Administrators-With-Secret-Access-And-Exec-Permissions:Managed-By-Directory-Group-Sync",
		}},
	}
	w.create("namespaces", object("v1", "Namespace", "", "long", nil))
	for resource, ids := range names {
		for _, id := range ids {
			apiVersion := "v1"
			if id.Group != "" {
				apiVersion = id.Group + "/v1"
			}
			w.create(resource, object(apiVersion, id.Kind, id.Namespace, id.Name, nil))
		}
	}

	w.mustBackup(w.archive)
	tree, tip := w.tree(t), w.git(t, "rev-parse", "main")
	for _, ids := range names {
		for _, id := range ids {
			if _, saved := tree[id.Path()]; !saved {
				t.Errorf("%s is not saved", id)
			}
		}
	}
	w.mustBackup(w.archive)
	if again := w.git(t, "rev-parse", "main"); again != tip {
		t.Errorf("a second backup made a commit:\n%s", w.git(t, "show", "--stat", "main"))
	}
}
