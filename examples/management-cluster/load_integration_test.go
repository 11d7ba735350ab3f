//go:build integration

package managementcluster

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur/internal/testcluster"
)

func TestManagementCluster(t *testing.T) {
	cluster := testcluster.New(t, "1.24.17")
	cfg := cluster.RESTConfig()
	if present, _, err := Namespaces(t.Context(), cfg); err != nil || len(present) != 0 {
		t.Errorf("an empty cluster has %q, %v", present, err)
	}
	began := time.Now()
	summary, err := Load(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s in %s", summary, time.Since(began).Round(time.Millisecond))
	c, err := newClient(cfg)
	if err != nil {
		t.Fatal(err)
	}

	// The subtests build on one another: the cluster is loaded once.
	t.Run("everything is there", func(t *testing.T) { testPresent(t, c, cluster, summary) })
	t.Run("values come back as they were written", func(t *testing.T) { testValues(t, c) })
	t.Run("owners are live, three levels deep", func(t *testing.T) { testOwners(t, c) })
	t.Run("custom resources have their status", func(t *testing.T) { testStatus(t, c, summary) })
	t.Run("last-applied holds secret values", func(t *testing.T) { testLastApplied(t, c) })
	t.Run("discovery has a hole", func(t *testing.T) { testHole(t, c) })
	t.Run("a second load adds nothing", func(t *testing.T) {
		again, err := Load(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if again.Objects != 0 || again.Existing != summary.Objects {
			t.Errorf("second load: %+v, first: %+v", again, summary)
		}
	})
	t.Run("noise changes nothing that people wrote", func(t *testing.T) { testNoise(t, c, cluster) })
	t.Run("change changes three objects", func(t *testing.T) { testChange(t, c, cluster) })
}

func testPresent(t *testing.T, c *client, cluster *testcluster.Cluster, summary Summary) {
	if present, absent, err := Namespaces(t.Context(), cluster.RESTConfig()); err != nil || len(present) != 9 || len(absent) != 0 {
		t.Errorf("namespaces: present %q, absent %q, %v", present, absent, err)
	}
	if want := len(allObjects(t)); summary.Objects != want || summary.Existing != 0 {
		t.Errorf("loaded %d objects, found %d, want %d and 0", summary.Objects, summary.Existing, want)
	}
	for _, obj := range allObjects(t) {
		live(t, c, obj)
	}
}

// testValues compares what is in the files with what the cluster returns in the
// same API version: nothing may be lost on the way in.
func testValues(t *testing.T, c *client) {
	for _, obj := range allObjects(t) {
		got := live(t, c, obj).Object
		want := obj.Object
		delete(want, "stringData") // is returned as data
		if obj.GetKind() == "ClusterRole" && want["aggregationRule"] != nil {
			delete(want, "rules") // are the controller's
		}
		for _, path := range missing(want, got, "") {
			if strings.HasSuffix(path, ".uid") && strings.Contains(path, "ownerReferences") {
				continue
			}
			t.Errorf("%s: %s", identify(obj), path)
		}
	}
}

// missing lists where want is not contained in got. Quantities and the like may
// be written differently, so numbers and texts are compared by their text.
func missing(want, got any, path string) []string {
	switch want := want.(type) {
	case map[string]any:
		have, ok := got.(map[string]any)
		if !ok && len(want) > 0 {
			return []string{fmt.Sprintf("%s is %v, want a map", path, got)}
		}
		var paths []string
		for key, value := range want {
			paths = append(paths, missing(value, have[key], path+"."+key)...)
		}
		return paths

	case []any:
		have, ok := got.([]any)
		if (!ok && len(want) > 0) || len(have) != len(want) {
			return []string{fmt.Sprintf("%s has %d elements, want %d", path, len(have), len(want))}
		}
		var paths []string
		for i, value := range want {
			paths = append(paths, missing(value, have[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
		return paths
	default:
		if reflect.DeepEqual(want, got) || (got == nil && (want == "" || want == false || want == int64(0))) {
			return nil
		}
		if want == "0.1" && got == "100m" {
			return nil
		}
		return []string{fmt.Sprintf("%s is %#v, want %#v", path, got, want)}
	}
}

func testOwners(t *testing.T, c *client) {
	machine, err := c.at(clusterV1, "machines", "team-payments").Get(t.Context(), "payments-prod-eu-md-0-7d9f4-x8k2p", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	obj := machine

	for _, up := range []struct{ kind, resource string }{
		{"MachineSet", "machinesets"}, {"MachineDeployment", "machinedeployments"}, {"Cluster", "clusters"},
	} {
		refs := obj.GetOwnerReferences()
		if len(refs) != 1 || refs[0].Kind != up.kind {
			t.Fatalf("%s has owners %v, want a %s", identify(obj), refs, up.kind)
		}
		owner, err := c.at(clusterV1, up.resource, "team-payments").Get(t.Context(), refs[0].Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if owner.GetUID() != refs[0].UID {
			t.Errorf("%s points at uid %s, its owner has %s", identify(obj), refs[0].UID, owner.GetUID())
		}
		obj = owner
	}
}

func testStatus(t *testing.T, c *client, summary Summary) {
	if summary.Statuses < 20 {
		t.Errorf("%d objects have a status, want at least 20", summary.Statuses)
	}
	clusters, err := c.at(clusterV1, "clusters", "").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(clusters.Items) != 3 {
		t.Errorf("%d clusters, want 3", len(clusters.Items))
	}
	for _, cluster := range clusters.Items {
		if phase, _, _ := unstructured.NestedString(cluster.Object, "status", "phase"); !strings.HasPrefix(phase, "Provision") {
			t.Errorf("%s has phase %q", identify(&cluster), phase)
		}
	}
}

func testLastApplied(t *testing.T, c *client) {
	secrets, err := c.at(coreV1, "secrets", "argocd").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	leaks := 0
	for _, secret := range secrets.Items {
		leaks += len(Leaks([]byte(secret.GetAnnotations()[lastAppliedAnnotation])))
	}
	if leaks < 5 {
		t.Errorf("last-applied annotations hold %d secret values, want at least 5", leaks)
	}
}

func testHole(t *testing.T, c *client) {
	gv := schema.GroupVersion{Group: "custom.metrics.k8s.io", Version: "v1beta1"}
	if types, err := c.discover(gv); err == nil {
		t.Errorf("%s is served: %v", gv, types)
	}
}

func testNoise(t *testing.T, c *client, cluster *testcluster.Cluster) {
	before := contents(t, c)
	for range 2 {
		if err := Noise(t.Context(), cluster.RESTConfig()); err != nil {
			t.Fatal(err)
		}
	}
	if changed := differences(before, contents(t, c)); len(changed) > 0 {
		t.Errorf("noise changed %q", changed)
	}
}

func testChange(t *testing.T, c *client, cluster *testcluster.Cluster) {
	before := contents(t, c)
	if err := Change(t.Context(), cluster.RESTConfig()); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, e := range Edits() {
		want = append(want, e.Path)
	}
	slices.Sort(want)
	if changed := differences(before, contents(t, c)); !slices.Equal(changed, want) {
		t.Errorf("change changed %q, want %q", changed, want)
	}
}

// contents reads every loaded object without what servers and controllers write.
func contents(t *testing.T, c *client) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for _, obj := range allObjects(t) {
		got := live(t, c, obj)
		unstructured.RemoveNestedField(got.Object, "status")
		for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
			unstructured.RemoveNestedField(got.Object, "metadata", field)
		}
		annotations := got.GetAnnotations()
		delete(annotations, "control-plane.alpha.kubernetes.io/leader")
		got.SetAnnotations(annotations)
		id := identify(obj)
		key := strings.TrimPrefix(id.namespace+"/"+id.name, "/")
		all[id.kind+" "+key] = got.Object
	}
	return all
}

func differences(a, b map[string]map[string]any) []string {
	var keys []string
	for key := range a {
		if !reflect.DeepEqual(a[key], b[key]) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func live(t *testing.T, c *client, obj *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	in, _, err := c.of(ctx, obj)
	if err != nil {
		t.Fatal(err)
	}
	got, err := in.Get(ctx, obj.GetName(), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return got
}
