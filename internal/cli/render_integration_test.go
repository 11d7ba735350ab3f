//go:build integration

package cli

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	managementcluster "github.com/appbur/appbur/examples/management-cluster"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

// rendered applies the rendered fleet to an empty cluster phase by phase, as `kubectl apply
// --server-side -k` does. Afterwards verify finds what render said, and nothing else.
func (s *story) rendered(t *testing.T, point string, verifying []string) {
	bare := testcluster.New(t, "1.37.1")
	source := []string{"--repo", s.repo, "--keys", s.keys, "--to", "1.37", "--allow-blocked", "--json"}
	sealed, clear := filepath.Join(t.TempDir(), "sealed"), filepath.Join(t.TempDir(), "clear")

	var told, again renderAnswer
	for dir, answer := range map[string]*renderAnswer{sealed: &told, clear: &again} {
		args := append([]string{"render", point, dir}, source...)
		if dir == clear {
			args = append(args, "--decrypt-secrets")
		}
		if err := json.Unmarshal([]byte(s.ok(args...)), answer); err != nil {
			t.Fatal(err)
		}
	}
	if told.Sealed == 0 || again.InClear != told.Sealed {
		t.Errorf("%d are sealed, and %d in clear without that", told.Sealed, again.InClear)
	}
	noLeaks(t, sealed)

	apply := newKubectl(t, bare)
	for _, phase := range again.Phases {
		apply.kustomization(filepath.Join(clear, phase.Directory))
	}
	for _, apart := range again.Apart {
		apply.create(filepath.Join(clear, apart.Path))
	}
	findings := s.findings(append(slices.Clone(verifying), "--kubeconfig", bare.Kubeconfig))
	if len(findings) == 0 || len(told.Owners) == 0 {
		t.Error("a fleet without owners proves nothing")
	}
	for _, f := range findings {
		owned := f.Kind == restore.FindingOwner &&
			slices.ContainsFunc(told.Owners, func(o withoutOwners) bool { return o.Object == f.Object })
		// It is content where the kind has no subresource for it.
		status := (f.Kind == restore.FindingStatus || f.Path == "status") && slices.Contains(told.Status, f.Object)
		if !owned && !status {
			t.Errorf("render did not say: %s %s %s: %s", f.Kind, f.Object, f.Path, f.What)
		}
	}
}

// noLeaks looks for secret values in all files of a directory.
func noLeaks(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(at)
		if leaks := managementcluster.Leaks(data); len(leaks) > 0 {
			t.Errorf("%s holds secret values in clear: %q", at, leaks)
		}
		return err
	})
	if err != nil || files < 100 {
		t.Errorf("%d files were searched (%v)", files, err)
	}
}

// findings are what verify finds.
func (s *story) findings(args []string) []restore.Finding {
	s.Helper()
	_, out, errs := s.run(args...)
	var answer verification
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		s.Fatalf("%v\n%s%s", err, out, errs)
	}
	return answer.Cluster.Findings
}

// kubectl does what `kubectl apply --server-side -k` does, with the same kustomize.
type kubectl struct {
	*testing.T
	client    dynamic.Interface
	discovery *restmapper.DeferredDiscoveryRESTMapper
}

func newKubectl(t *testing.T, cluster *testcluster.Cluster) *kubectl {
	client, err := dynamic.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	typed, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	return &kubectl{t, client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(typed.Discovery()))}
}

func (k *kubectl) kustomization(dir string) {
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		k.Fatalf("kustomize: %v", err)
	}
	k.discovery.Reset()
	for _, resource := range made.Resources() {
		id := resource.OrgId()
		body, err := resource.MarshalJSON()
		if err != nil {
			k.Fatal(err)
		}
		_, err = k.of(id.Group, id.Version, id.Kind, resource.GetNamespace()).
			Patch(k.Context(), resource.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: "kubectl"})
		if err != nil {
			k.Errorf("%s: %v", id, err)
		}
	}
	if strings.HasSuffix(dir, "-definitions") {
		k.established()
	}
}

// create does what `kubectl create -f` does.
func (k *kubectl) create(file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		k.Fatal(err)
	}
	content, err := manifest.Decode(data)
	if err != nil {
		k.Fatal(err)
	}
	object := &unstructured.Unstructured{Object: content}
	gvk := object.GroupVersionKind()
	resource := k.of(gvk.Group, gvk.Version, gvk.Kind, object.GetNamespace())
	if _, err := resource.Create(k.Context(), object, metav1.CreateOptions{}); err != nil {
		k.Errorf("%s: %v", file, err)
	}
}

func (k *kubectl) of(group, version, kind, namespace string) dynamic.ResourceInterface {
	mapping, err := k.discovery.RESTMapping(schema.GroupKind{Group: group, Kind: kind}, version)
	if err != nil {
		k.Fatal(err)
	}
	return k.client.Resource(mapping.Resource).Namespace(namespace)
}

// established waits for all definitions, as `kubectl wait` does.
func (k *kubectl) established() {
	definitions := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	err := wait.PollUntilContextTimeout(k.Context(), 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		list, err := k.client.Resource(definitions).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		for _, definition := range list.Items {
			conditions, _, _ := unstructured.NestedSlice(definition.Object, "status", "conditions")
			if !slices.ContainsFunc(conditions, func(c any) bool {
				condition, _ := c.(map[string]any)
				return condition["type"] == "Established" && condition["status"] == "True"
			}) {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		k.Fatal(err)
	}
}
