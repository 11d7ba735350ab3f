package manifestfiles_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/appbur/appbur/internal/manifestfiles"
)

// read returns what is in a path as "file:line id", sorted.
func read(t *testing.T, path string) ([]string, manifestfiles.Found, error) {
	t.Helper()
	var mu sync.Mutex
	var objects []string
	r := manifestfiles.Reader{Take: func(o manifestfiles.Object) {
		mu.Lock()
		defer mu.Unlock()
		objects = append(objects, fmt.Sprintf("%s:%d %s", o.File, o.Line, o.ID))
	}}
	found, err := r.Path(t.Context(), path)
	slices.Sort(objects)
	return objects, found, err
}

// inDir makes the files of an archive, and goes there.
func inDir(t *testing.T, archive string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, file := range txtar.Parse([]byte(archive)).Files {
		if err := os.MkdirAll(filepath.Dir(file.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file.Name, file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Every way to write objects down leads to the line where each begins.
func TestFileAndLine(t *testing.T) {
	inDir(t, `
-- many.yaml --
# A comment.

apiVersion: v1
kind: Namespace
metadata: {name: a}
--- # another
# with a comment

apiVersion: v1
kind: ConfigMap
metadata: {name: text, namespace: a}
data:
  text: |
    this is no separator:
     ---
    --- nor is this
---
---
apiVersion: v1
kind: List
metadata: {}
items:
  - apiVersion: v1
    kind: Secret
    metadata: {name: one, namespace: a}
    data:
      list: |
       - x
  - metadata: {name: two, namespace: a}
    apiVersion: v1
    kind: Secret
---
{apiVersion: v1, kind: PodList, items: [{metadata: {name: three}}, {metadata: {generateName: four-}}]}
-- list.json --
{"kind": "List", "apiVersion": "v1",
 "items": [
  {"apiVersion": "apps/v1", "kind": "Deployment",
   "metadata": {"name": "d"}},
  {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}]}
{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "after"}}
-- values.yaml --
replicas: 3
-- .github/workflows/ci.yaml --
apiVersion: v1
kind: Hidden
metadata: {name: hidden}
-- notes.txt --
apiVersion: v1
`)
	got, found, err := read(t, ".")
	if err != nil {
		t.Fatal(err)
	}
	want(t, got,
		"many.yaml:3 Namespace/a", "many.yaml:9 ConfigMap/a/text", "many.yaml:23 Secret/a/one", "many.yaml:29 Secret/a/two",
		"many.yaml:33 Pod/three", "many.yaml:33 Pod/four-*", "list.json:3 Deployment.apps/d", "list.json:5 Service/s",
		"list.json:6 Service/after")
	if found.Files != 3 || found.Objects != 9 || found.Others != 1 {
		t.Errorf("%+v", found)
	}
}

// A kustomization is built, its parts are not read again, and what it makes leads to the files it began with.
func TestKustomizations(t *testing.T) {
	inDir(t, `
-- base/kustomization.yaml --
resources: [web.yaml]
-- base/web.yaml --
apiVersion: v1
kind: Service
metadata: {name: other}
---
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: web}
-- base/unused.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: unused}
-- overlays/prod/kustomization.yaml --
namespace: prod
namePrefix: p-
resources: [../../base]
components: [../../part]
configMapGenerator:
- {name: made, literals: [a=b]}
-- part/kustomization.yaml --
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
commonAnnotations: {part: taken}
-- plain.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: prod}
`)
	got, _, err := read(t, ".")
	if err != nil {
		t.Fatal(err)
	}
	made := slices.IndexFunc(got, func(o string) bool { return strings.Contains(o, "ConfigMap/prod/p-made-") })
	if made < 0 || !strings.HasPrefix(got[made], "overlays/prod/kustomization.yaml:1 ") {
		t.Fatalf("no generated object: %q", got)
	}
	want(t, slices.Delete(got, made, made+1), "base/web.yaml:1 Service/prod/p-other",
		"base/web.yaml:5 PodDisruptionBudget.policy/prod/p-web", "plain.yaml:1 Namespace/prod")
}

// Nothing is fetched.
func TestKustomizationOfTheNetwork(t *testing.T) {
	inDir(t, `
-- kustomization.yaml --
resources:
- https://example.org/deploy.yaml
- github.com/example/deploy?ref=v1
patches:
- {path: "https://example.org/patch.yaml"}
`)
	_, _, err := read(t, ".")
	var faults manifestfiles.Errors
	if !errors.As(err, &faults) || len(faults) != 3 || faults[0].Line != 2 || faults[1].Line != 3 || faults[2].Line != 5 {
		t.Fatalf("%v", err)
	}
	if !strings.Contains(err.Error(), "nothing is fetched") || !strings.Contains(faults.Hint(), "kustomize build") {
		t.Errorf("%v, hint %q", err, faults.Hint())
	}
}

// A chart is told, and its definitions are read. So is a template by itself.
func TestCharts(t *testing.T) {
	inDir(t, `
-- shop/Chart.yaml --
apiVersion: v2
name: web-shop
-- shop/values.yaml --
a: 1
-- shop/crds/valve.yaml --
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: valves.example.org}
-- shop/templates/web.yaml --
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
-- alone.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: fine}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
`)
	got, found, err := read(t, ".")
	if err != nil {
		t.Fatal(err)
	}
	want(t, got, "alone.yaml:1 Namespace/fine", "shop/crds/valve.yaml:1 CustomResourceDefinition.apiextensions.k8s.io/valves.example.org")
	charts := []manifestfiles.Chart{{Path: "alone.yaml", Line: 5}, {Name: "web-shop", Path: "shop"}}
	if !slices.Equal(found.Charts, charts) {
		t.Errorf("%+v", found.Charts)
	}
}

// What Helm prints says of which template each document was made.
func TestHelmOutput(t *testing.T) {
	var objects []string
	var mu sync.Mutex
	r := manifestfiles.Reader{Take: func(o manifestfiles.Object) {
		mu.Lock()
		defer mu.Unlock()
		objects = append(objects, fmt.Sprintf("%s:%d %s", o.File, o.Line, o.ID))
	}}
	const text = "---\n# Source: shop/templates/web.yaml\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n" +
		"---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n# Source: shop/templates/nothing.yaml\n"
	if _, err := r.Stream(t.Context(), "stdin", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	slices.Sort(objects)
	want(t, objects, "shop/templates/web.yaml:0 Service/web", "stdin:7 Namespace/a")
}

// Each mistake is told with its place, all of them at once.
func TestFaults(t *testing.T) {
	inDir(t, "-- a.yaml --\napiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: [\n"+
		"-- b.yaml --\n\tapiVersion: v1\n"+
		"-- c.yaml --\napiVersion: v1\nkind: A\nkind: B\n"+
		"-- d.yaml --\n- apiVersion: v1\n"+
		"-- e.yaml --\napiVersion: v1\nkind: List\nitems:\n- 7\n- metadata: {}\n")
	_, _, err := read(t, ".")
	var faults manifestfiles.Errors
	if !errors.As(err, &faults) {
		t.Fatal(err)
	}
	var places []string
	for _, f := range faults {
		places = append(places, fmt.Sprintf("%s:%d", f.File, f.Line))
		if f.Hint == "" {
			t.Errorf("no hint for %v", f)
		}
	}
	if got := strings.Join(places, " "); got != "a.yaml:5 b.yaml:1 c.yaml:3 d.yaml:1 e.yaml:4 e.yaml:5" {
		t.Errorf("%s\n%v", got, err)
	}
	if !strings.Contains(err.Error(), "and 1 more") {
		t.Errorf("%v", err)
	}
	if _, _, err := read(t, "missing"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
