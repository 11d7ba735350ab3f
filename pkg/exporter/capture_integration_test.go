//go:build integration

package exporter

import (
	"context"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/manifest"
)

var update = flag.Bool("update", false, "write the golden files")

var versions = []string{"1.24.17", "1.37.1"}

// TestCaptureRealClusters checks on real servers that an empty cluster gives
// nothing, that a populated one gives what was created and not what
// controllers derived, that a second capture gives the same bytes, and that every
// manifest applies.
func TestCaptureRealClusters(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			cluster := testcluster.New(t, version)
			e, err := New(cluster.RESTConfig(), manifest.Default(), Options{PageSize: 7})
			if err != nil {
				t.Fatal(err)
			}
			identity, err := e.Cluster(t.Context())
			if err != nil || identity.Version.String() != version || identity.ID == "" {
				t.Fatalf("Cluster = %+v, %v", identity, err)
			}
			client, err := dynamic.NewForConfig(cluster.RESTConfig())
			if err != nil {
				t.Fatal(err)
			}

			// Every object of an empty cluster is made by Kubernetes itself.
			empty, _ := captureAll(t, e)
			if diff := cmp.Diff([]string(nil), pathsOf(empty)); diff != "" {
				t.Errorf("an empty cluster is not empty (-want +got):\n%s", diff)
			}

			populate(t, client, identity.Version)
			first, coverage := captureAll(t, e)
			compareGolden(t, "populated-"+identity.Version.MinorString()+".txt", strings.Join(pathsOf(first), "\n")+"\n")
			for _, c := range coverage.Types {
				if c.Kind == "Thing" && c.Version != "v1beta1" {
					t.Errorf("custom resource read at %s, not at its storage version", c.Version)
				}
				if c.Kind == "HorizontalPodAutoscaler" && c.Version != "v2" {
					t.Errorf("autoscaler read at %s", c.Version)
				}
			}
			checkManifests(t, first)

			second, _ := captureAll(t, e)
			for path, result := range second {
				if diff := cmp.Diff(string(first[path].Manifest.Data), string(result.Manifest.Data)); diff != "" {
					t.Errorf("%s differs in the second capture (-first +second):\n%s", path, diff)
				}
			}
			if diff := cmp.Diff(pathsOf(first), pathsOf(second)); diff != "" {
				t.Errorf("the second capture has other objects (-first +second):\n%s", diff)
			}
			applyAll(t, e, client, first)
			readsWhatIsStored(t, e, client)
		})
	}
}

// meters is a kind whose storage version moved on to one with fewer fields, without a
// webhook: what was stored before has them still, and only the old version shows them.
const meters = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: meters.example.org}
spec:
  group: example.org
  scope: Cluster
  names: {plural: meters, singular: meter, kind: Meter, listKind: MeterList}
  versions:
  - name: v1beta1
    served: true
    storage: OLD
    schema: {openAPIV3Schema: {type: object, properties: {
      spec: {type: object, properties: {unit: {type: string}, former: {type: string}}}}}}
  - name: v1
    served: true
    storage: NEW
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {unit: {type: string}}}}}}
`

// readsWhatIsStored checks that a field which only an earlier storage version has is
// saved, and shows that the server hides it at the present one.
func readsWhatIsStored(t *testing.T, e *Exporter, client dynamic.Interface) {
	t.Helper()
	decode := func(text string) map[string]any {
		obj, err := manifest.Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return obj
	}
	definition := func(old string) map[string]any {
		now := map[string]string{"true": "false", "false": "true"}[old]
		return decode(strings.NewReplacer("OLD", old, "NEW", now).Replace(meters))
	}
	create(t, client, "customresourcedefinitions", definition("true"))
	create(t, client, "meters", decode("{apiVersion: example.org/v1beta1, kind: Meter, metadata: {name: m}, spec: {unit: bar, former: kept}}"))

	crds := customResourceDefinitions.GroupVersionResource
	body, err := json.Marshal(map[string]any{"spec": map[string]any{"versions": definition("false")["spec"].(map[string]any)["versions"]}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Resource(crds).Patch(t.Context(), "meters.example.org", types.MergePatchType, body,
		metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the field is hidden at the new storage version", func() bool {
		live, err := client.Resource(schema.GroupVersionResource{Group: "example.org", Version: "v1", Resource: "meters"}).Get(t.Context(), "m",
			metav1.GetOptions{})
		if err != nil {
			return false
		}
		_, shown, _ := unstructured.NestedString(live.Object, "spec", "former")
		return !shown
	}, func() string { return "" })

	saved, _ := captureAll(t, e)
	meter := saved["cluster/meter.example.org/m.yaml"].Manifest
	if meter.APIVersion != "example.org/v1beta1" || !strings.Contains(string(meter.Data), "former: kept") {
		t.Errorf("saved at %s:\n%s", meter.APIVersion, meter.Data)
	}
}

func captureAll(t *testing.T, e *Exporter) (map[string]manifest.Result, appbur.Coverage) {
	t.Helper()
	var r recorder
	coverage, err := e.Capture(t.Context(), r.emit)
	if err != nil {
		t.Fatal(err)
	}
	if !coverage.Complete() {
		t.Errorf("coverage has holes: %+v", coverage)
	}
	saved := make(map[string]manifest.Result)
	for _, result := range r.last {
		if result.Decision.Saved {
			saved[result.Manifest.ID.Path()] = result
		}
	}
	return saved, coverage
}

func pathsOf(saved map[string]manifest.Result) []string { return slices.Sorted(maps.Keys(saved)) }

// populate creates the objects of testdata/populated.txtar and waits until the
// controllers have made of them what they make.
func populate(t *testing.T, client dynamic.Interface, version appbur.KubeVersion) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/populated.txtar")
	if err != nil {
		t.Fatal(err)
	}
	flow := "v1"
	if !version.AtLeast(1, 29) {
		flow = "v1beta2"
	}

	for _, file := range archive.Files {
		name, old := strings.CutPrefix(file.Name, "old/")
		name, young := strings.CutPrefix(name, "new/")
		if recent := version.AtLeast(1, 30); old && recent || young && !recent {
			continue
		}
		obj, err := manifest.Decode([]byte(strings.ReplaceAll(string(file.Data), "FLOW", flow)))
		if err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		resource, _, _ := strings.Cut(name, "/")
		create(t, client, resource, obj)
	}

	for _, made := range []schema.GroupVersionResource{
		{Group: "apps", Version: "v1", Resource: "replicasets"},
		{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"},
		{Version: "v1", Resource: "endpoints"},
		{Group: "apps", Version: "v1", Resource: "controllerrevisions"},
	} {
		eventually(t, 30*time.Second, made.Resource+" made by a controller", func() bool {
			list, err := client.Resource(made).Namespace("shop").List(t.Context(), metav1.ListOptions{})
			return err == nil && len(list.Items) > 0
		}, func() string { return "" })
	}

	eventually(t, 30*time.Second, "claim bound to its volume", func() bool {
		claim, err := client.Resource(schema.GroupVersionResource{
			Version:  "v1",
			Resource: "persistentvolumeclaims",
		}).Namespace("shop").Get(t.Context(), "data", metav1.GetOptions{})
		if err != nil {
			return false
		}
		phase, _, _ := unstructured.NestedString(claim.Object, "status", "phase")
		return phase == "Bound"
	}, func() string { return "" })
}

// create creates one object. A resource that is not served yet is waited for: that
// of a new CustomResourceDefinition takes a moment.
func create(t *testing.T, client dynamic.Interface, resource string, obj map[string]any) {
	t.Helper()
	u := &unstructured.Unstructured{Object: obj}
	gvr := u.GroupVersionKind().GroupVersion().WithResource(resource)
	var err error
	eventually(t, 30*time.Second, "create "+resource+" "+u.GetName(), func() bool {
		if u.GetNamespace() == "" {
			_, err = client.Resource(gvr).Create(t.Context(), u, metav1.CreateOptions{FieldManager: "tester"})
		} else {
			_, err = client.Resource(gvr).Namespace(u.GetNamespace()).Create(t.Context(), u, metav1.CreateOptions{FieldManager: "tester"})
		}
		if err != nil && !isAbsent(err) {
			t.Fatalf("create %s %s: %v", resource, u.GetName(), err)
		}
		return err == nil
	}, func() string { return err.Error() })
}

// checkManifests looks at what is easily lost.
func checkManifests(t *testing.T, saved map[string]manifest.Result) {
	t.Helper()
	for path, wants := range map[string][]string{
		"namespaces/shop/service/web.yaml":                          {"nodePort: 30080"},
		"namespaces/shop/service/db.yaml":                           {"clusterIP: None"},
		"namespaces/shop/networkpolicy.networking.k8s.io/deny.yaml": {"podSelector: {}", "- {}"},
		"namespaces/shop/deployment.apps/web.yaml":                  {"emptyDir: {}"},
		"namespaces/shop/thing.example.org/one.yaml": {
			"empty: {}", "list: []", "nothing: null", "int: 9007199254740993",
			"float: 0.5", `text: "on"`, "example.org/cleanup",
		},
		"namespaces/shop/persistentvolumeclaim/data.yaml":               {"volumeMode: Filesystem"},
		"cluster/persistentvolume/disk.yaml":                            {"claimRef:", "name: data"},
		"cluster/clusterrole.rbac.authorization.k8s.io/team%3aall.yaml": {"aggregationRule:"},
	} {
		data := string(saved[path].Manifest.Data)
		for _, want := range wants {
			if !strings.Contains(data, want) {
				t.Errorf("%s has no %q:\n%s", path, want, data)
			}
		}
		for _, noise := range []string{"resourceVersion", "managedFields", "uid:", "creationTimestamp", "status:", "volumeName"} {
			if strings.Contains(data, noise) {
				t.Errorf("%s has %q:\n%s", path, noise, data)
			}
		}
	}

	secret := saved["namespaces/shop/secret/password.yaml"].Manifest
	if !secret.Sensitive {
		t.Error("the Secret is not marked as sensitive")
	}
	claim := saved["namespaces/shop/persistentvolumeclaim/data.yaml"].Entry
	if name, err := claim.VolumeName(); err != nil || name != "disk" {
		t.Errorf("the index has volume %q, %v", name, err)
	}
	definition := saved["cluster/customresourcedefinition.apiextensions.k8s.io/things.example.org.yaml"].Entry
	if stored, err := definition.StoredVersions(); err != nil || !slices.Equal(stored, []string{"v1beta1"}) {
		t.Errorf("the index has stored versions %v, %v", stored, err)
	}
}

// applyAll applies every manifest with a server-side dry run.
func applyAll(t *testing.T, e *Exporter, client dynamic.Interface, saved map[string]manifest.Result) {
	t.Helper()
	types, _, err := e.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resources := make(map[appbur.GroupKind]schema.GroupVersionResource)
	for _, each := range types {
		resources[each.GroupKind()] = each.GroupVersionResource
	}

	for path, result := range saved {
		obj, err := manifest.Decode(result.Manifest.Data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if err := apply(t.Context(), client, resources[result.Manifest.ID.GroupKind()], obj); err != nil {
			t.Errorf("%s does not apply: %v\n%s", path, err, result.Manifest.Data)
		}
	}
}

func apply(ctx context.Context, client dynamic.Interface, gvr schema.GroupVersionResource, obj map[string]any) error {
	u := &unstructured.Unstructured{Object: obj}
	options := metav1.ApplyOptions{FieldManager: "appbur", Force: true, DryRun: []string{metav1.DryRunAll}}
	var err error
	if u.GetNamespace() == "" {
		_, err = client.Resource(gvr).Apply(ctx, u.GetName(), u, options)
	} else {
		_, err = client.Resource(gvr).Namespace(u.GetNamespace()).Apply(ctx, u.GetName(), u, options)
	}
	return err
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run with -update to write it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}
