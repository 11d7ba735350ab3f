package overlay

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

var update = flag.Bool("update", false, "write golden files instead of comparing them")

func pointOf(t testing.TB, manifests string) restore.Point {
	t.Helper()
	p := restore.Point{Index: map[appbur.ObjectID]manifest.Entry{}}
	for i, text := range strings.Split(manifests, "\n---\n") {
		content, err := manifest.Decode([]byte(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		id, err := manifest.IDOf(content)
		if err != nil {
			t.Fatal(err)
		}
		p.Objects.Add(restore.Object{ID: id, APIVersion: content["apiVersion"].(string), Content: content})
		p.Index[id] = manifest.Entry{UID: fmt.Sprint("uid-", i)}
	}
	return p
}

// overlayOf makes an overlay of the files NAME, CONTENT, NAME, CONTENT.
func overlayOf(files ...string) (*Overlay, error) {
	dir := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		dir[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return Read(dir)
}

func apply(t testing.TB, p restore.Point, files ...string) restore.Point {
	t.Helper()
	o, err := overlayOf(files...)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := o.Apply(p)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func report(p restore.Point) string {
	var b strings.Builder
	for _, o := range p.Objects.All() {
		content, _ := json.Marshal(o.Content)
		fmt.Fprintf(&b, "%s %s %s\n", o.ID, p.Index[o.ID].UID, content)
		for _, c := range o.Rewritten {
			fmt.Fprintf(&b, "    %s: %s\n", c.Path, c.What)
		}
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note %s: %s\n", n.Object, n.What)
	}
	return b.String()
}

func TestApplyGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/apply/*.txtar")
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			archive := txtar.Parse(data)
			var overlay []string
			for _, f := range archive.Files[1:] {
				if f.Name != "result.txt" {
					overlay = append(overlay, f.Name, string(f.Data))
				}
			}

			point := pointOf(t, string(archive.Files[0].Data))
			before := report(point)
			got := report(apply(t, point, overlay...))
			if report(point) != before {
				t.Error("the point that was given has changed")
			}
			if *update {
				archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "result.txt" })
				archive.Files = append(archive.Files, txtar.File{Name: "result.txt", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[len(archive.Files)-1].Data), got); diff != "" {
				t.Errorf("it has changed; run with -update and read the diff:\n%s", diff)
			}
		})
	}
}

const web = `apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: shop}
data: {a: b}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: shop}
data: {password: ` + "c3dvcmRmaXNo" + `}
`

const k = "kustomization.yaml"

// Whatever an overlay reaches for outside of its directory is refused before anything is asked.
func TestAnOverlayThatReachesOutsideIsRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	asked := make(chan string, 1)
	go func() {
		if c, err := listener.Accept(); err == nil {
			asked <- c.RemoteAddr().String()
		}
	}()
	url := "http://" + listener.Addr().String() + "/x"

	for _, test := range []struct{ files, want []string }{
		{[]string{k, "resources:\n- restore-point\n- " + url}, []string{k + ":3: ", "an address"}},
		{[]string{k, "resources: [restore-point]\ncomponents: ['git::https://example.com/a/b']"}, []string{k + ":2: ", "an address"}},
		{[]string{k, "resources: [restore-point, github.com/a/b]"}, []string{k + ":1: ", "an address"}},
		{[]string{k, "resources: [restore-point, 'git@example.com:a/b']"}, []string{"an address"}},
		{[]string{k, "resources: [restore-point, 'a//b?ref=main']"}, []string{"an address"}},
		{[]string{k, "Resources: [restore-point, '" + url + "']"}, []string{"an address"}},
		{[]string{k, "resources: [restore-point, ../secret.yaml]"}, []string{"outside of the overlay"}},
		{[]string{k, "resources: [restore-point, /etc/passwd]"}, []string{"outside of the overlay"}},
		{[]string{k, "resources: [restore-point, gone.yaml]"}, []string{"no such file"}},
		{[]string{k, "resources: [restore-point]\npatches: [{path: '" + url + "'}]"}, []string{":2: ", "an address"}},
		{[]string{k, "resources: [restore-point]\npatches: [{Path: '" + url + "'}]"}, []string{"an address"}},
		{[]string{k, "resources: [restore-point]\npatchesStrategicMerge: ['" + url + "']"}, []string{"an address"}},
		{[]string{k, "resources: [restore-point]\npatchesJson6902: [{path: '" + url + "'}]"}, []string{"an address"}},
		{[]string{k, "resources: [restore-point]\nreplacements: [{path: '" + url + "'}]"}, []string{"an address"}},
		{[]string{k, "resources: [restore-point]\ncrds: ['" + url + "']"}, []string{"an address"}},
		{[]string{k, "resources: [restore-point]\nconfigurations: ['" + url + "']"}, []string{"an address"}},
		{[]string{k, "resources: [restore-point]\nopenapi: {path: '" + url + "'}"}, []string{"an address"}},
		{[]string{k, "resources: [restore-point]\nbases: ['" + url + "']"}, []string{"an address"}},
		{[]string{k, "resources: [restore-point]\nconfigMapGenerator: [{name: a, files: ['x=" + url + "']}]"}, []string{"an address"}},
		{[]string{k, "resources: [restore-point]\nconfigMapGenerator: [{name: a, env: '" + url + "'}]"}, []string{"an address"}},
		{[]string{k, "resources: [restore-point]\nsecretGenerator: [{name: a, files: [/etc/passwd]}]"}, []string{"outside of the overlay"}},
		{[]string{k, "resources: [restore-point]\nsecretGenerator: [{name: a, envs: [e]}]", "e", "A=b\nHOME"}, []string{"e:2: ", "environment"}},
		{[]string{k, "resources: [restore-point]\ntransformers: [|-\n  a: b]"}, []string{k}},
		{[]string{k, "resources: [restore-point]\ntransformers: [t.yaml]", "t.yaml", ""}, []string{k + ":2: ", "no plugins"}},
		{[]string{k, "resources: [restore-point]\ngenerators: [t.yaml]", "t.yaml", ""}, []string{"no plugins"}},
		{[]string{k, "resources: [restore-point]\nvalidators: [t.yaml]", "t.yaml", ""}, []string{"no plugins"}},
		{[]string{k, "resources: [restore-point]\nhelmCharts: [{name: a, repo: '" + url + "'}]"}, []string{"charts"}},
		{[]string{k, "resources: [restore-point]\nhelmChartInflationGenerator: [{chartName: a}]"}, []string{"charts"}},
		{
			[]string{k, "resources: [restore-point, deep]", "deep/" + k, "resources: ['" + url + "']"},
			[]string{"deep/" + k + ":1: ", "an address"},
		},
		{[]string{k, "resources: [restore-point, deep]", "deep/" + k, "resources: [../../x]"}, []string{"outside of the overlay"}},
		{[]string{k, "resources: [restore-point, deep]", "deep/x.yaml", ""}, []string{"deep: there is no kustomization.yaml"}},
		{[]string{k, "resources: [other.yaml]", "other.yaml", ""}, []string{"no resources name restore-point"}},
		{[]string{k, "resources: [restore-point]", "Kustomization", "resources: [restore-point]"}, []string{"as well"}},
		{[]string{k, "resources: [restore-point]", "restore-point/" + k, ""}, []string{"this name is that of the restore point"}},
		{[]string{k, "resources: [restore-point]\nplugins: [a]"}, []string{k, "plugins"}},
		{[]string{k, "resources: {"}, []string{k}},
		{[]string{"x.yaml", ""}, []string{"there is no kustomization.yaml"}},
	} {
		var refused *Error
		_, err := overlayOf(test.files...)
		if !errors.As(err, &refused) {
			t.Errorf("%q: %v", test.files, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %q does not say %q", test.files, err, want)
			}
		}
	}

	select {
	case who := <-asked:
		t.Errorf("an overlay asked an address from %s", who)
	default:
	}
}

func TestSymbolicLinksDoNotLeadOut(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.yaml")
	dir := t.TempDir()
	for path, data := range map[string]string{outside: "secret", filepath.Join(dir, k): "resources: [restore-point, link.yaml]"} {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	read := func() error {
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		_, err = Read(root.FS())
		return err
	}

	var refused *Error
	if err := read(); !errors.As(err, &refused) || !strings.Contains(err.Error(), "link.yaml: the symbolic link leads out") {
		t.Errorf("got %v", err)
	}

	// As kubelet mounts a ConfigMap: links to a directory inside.
	os.Remove(filepath.Join(dir, "link.yaml"))
	if err := os.Mkdir(filepath.Join(dir, "..data"), 0o700); err != nil {
		t.Fatal(err)
	}
	extra := []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: shop}}")
	if err := os.WriteFile(filepath.Join(dir, "..data", "extra.yaml"), extra, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..data/extra.yaml", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := read(); err != nil {
		t.Errorf("a link that stays inside: %v", err)
	}
}

func TestErrorsOfKustomizeHaveNoSecrets(t *testing.T) {
	password, _ := base64.StdEncoding.DecodeString("c3dvcmRmaXNo")
	for _, patch := range []string{
		`[{"op": "test", "path": "/data/password", "value": "x"}]`, `[{"op": "remove", "path": "/data/password/x"}]`,
		`[{"op": "add", "path": "/data/password/0", "value": "x"}]`, `[{"op": "replace", "path": "/kind", "value": ""}]`,
		`[{"op": "move", "from": "/data/password", "path": "/metadata"}]`,
	} {
		o, err := overlayOf(k, "resources: [restore-point]\npatches:\n- target: {kind: Secret}\n  patch: '"+patch+"'")
		if err != nil {
			t.Fatal(err)
		}
		var refused *Error
		_, err = o.Apply(pointOf(t, web))
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", patch, err)
		} else if t.Log(err); strings.Contains(err.Error(), "c3dvcmRmaXNo") || strings.Contains(err.Error(), string(password)) {
			t.Errorf("%s: the error shows a secret: %v", patch, err)
		}
	}
}

func TestKustomizeGetsOnlyWhatItNeeds(t *testing.T) {
	for file, want := range map[string]string{
		"resources: [restore-point]": "",
		"resources: [restore-point]\npatches: [{target: {kind: 'Config.*'}, patch: '[]'}]":                               "web",
		"resources: [restore-point]\npatches: [{target: {kind: Config}, patch: '[]'}]":                                   "",
		"resources: [restore-point]\npatches: [{target: {name: web}, patch: '[]'}]":                                      "web",
		"resources: [restore-point]\npatches: [{target: {namespace: sh.p}, patch: '[]'}]":                                "web key",
		"resources: [restore-point]\npatches: [{target: {namespace: other}, patch: '[]'}]":                               "",
		"resources: [restore-point]\npatches: [{target: {labelSelector: a=b}, patch: '[]'}]":                             "web key",
		"resources: [restore-point]\npatches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: key}}'}]":        "key pinned",
		"resources: [restore-point]\npatches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: ke}}'}]":         "",
		"resources: [restore-point]\nreplacements: [{source: {kind: Secret}, targets: [{select: {kind: ConfigMap}}]}]":   "web key pinned",
		"resources: [restore-point]\nlabels: [{pairs: {a: b}}]":                                                          "web key",
		"resources: [restore-point]\nreplicas: [{name: web, count: 1}]":                                                  "web pinned",
		"resources: [restore-point]\nnamePrefix: a":                                                                      "web key together",
		"resources: [restore-point]\nsecretGenerator: [{name: a}]":                                                       "web key together",
		"resources: [restore-point]\npatchesJson6902: [{target: {kind: Secret, name: key, version: v1}, patch: '[]'}]":   "key",
		"resources: [restore-point]\npatchesStrategicMerge: [\"apiVersion: v1\\nkind: Secret\\nmetadata: {name: key}\"]": "key pinned",
	} {
		o, err := overlayOf(k, file)
		if err != nil {
			t.Fatal(err)
		}
		n := needsOf(o)
		var got []string
		for _, object := range pointOf(t, web).Objects.All() {
			if n.object(object.ID) {
				got = append(got, object.ID.Name)
			}
			if n.pin(object.ID) {
				got = append(got, "pinned")
			}
		}
		if n.together {
			got = append(got, "together")
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s needs %q, want %q", file, got, want)
		}
	}
}

// What kustomize gets in parts is what it makes of all at once.
func TestPartsAreTheSameAsAll(t *testing.T) {
	var manifests []string
	for i := range 2*partSize + 7 {
		manifests = append(manifests, fmt.Sprintf("{apiVersion: apps/v1, kind: Deployment, metadata: {name: d%d, namespace: ns}, "+
			"spec: {replicas: 2, template: {spec: {containers: [{name: a, image: 'a:1'}]}}}}", i))
	}
	manifests = append(manifests, "{apiVersion: v1, kind: ConfigMap, metadata: {name: site, namespace: ns}, data: {image: 'b:2'}}")
	const overlay = `resources: [restore-point, extra.yaml]
labels: [{pairs: {team: a}}]
replicas: [{name: d3, count: 5}]
patches:
- patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: d4, namespace: ns}, spec: {paused: true}}'
- patch: '{apiVersion: apps/v1, kind: Deployment, metadata: {name: d5, namespace: ns}, $patch: delete}'
replacements:
- source: {kind: ConfigMap, name: site, fieldPath: data.image}
  targets: [{select: {kind: Deployment}, fieldPaths: [spec.template.spec.containers.0.image]}]
`
	const extra = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: extra, namespace: ns}}"
	point := pointOf(t, strings.Join(manifests, "\n---\n"))

	parts := apply(t, point, k, overlay, "extra.yaml", extra)
	all := apply(t, point, k, overlay+"configurations: [c.yaml]\n", "c.yaml", "namePrefix: []\n", "extra.yaml", extra)
	if diff := cmp.Diff(report(all), report(parts)); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{`"paused":true`, `"replicas":5`, `"image":"b:2"`, "note Deployment.apps/ns/d5: the overlay removes it"} {
		if !strings.Contains(report(parts), want) {
			t.Errorf("there is no %s", want)
		}
	}
	if parts.Objects.Len() != point.Objects.Len() { // one removed, one added
		t.Errorf("%d objects", parts.Objects.Len())
	}
}

func TestAnOverlayCannotMakeAnObjectTwice(t *testing.T) {
	o, err := overlayOf(k, "resources: [restore-point, again.yaml]\npatches: [{target: {kind: Secret}, patch: '[]'}]",
		"again.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: web, namespace: shop}}")
	if err != nil {
		t.Fatal(err)
	}
	var refused *Error
	if _, err := o.Apply(pointOf(t, web)); !errors.As(err, &refused) || !strings.Contains(err.Error(), "ConfigMap/shop/web, which") {
		t.Errorf("got %v", err)
	}
}

func TestAPatchOfAllAnnotationsLosesNoObject(t *testing.T) {
	changed := apply(t, pointOf(t, web), k, `resources: [restore-point]
patches:
- target: {kind: ConfigMap}
  patch: '[{"op": "add", "path": "/metadata/annotations", "value": {"own": "1"}}]'
`)
	if got := report(changed); !strings.Contains(got, `uid-0 {"apiVersion":"v1","data":{"a":"b"},"kind":"ConfigMap","metadata":{"annotations":{"own":"1"}`) ||
		strings.Contains(got, mark) {
		t.Error(got)
	}
}

func TestATransformerForNamespacesLeavesClusterScopedKinds(t *testing.T) {
	changed := apply(t, pointOf(t, "{apiVersion: example.com/v1, kind: Widget, metadata: {name: w}}"), k,
		"resources: [restore-point]\nnamespace: shop")
	if got := changed.Objects.At(0).ID.String(); got != "Widget.example.com/w" || len(changed.Notes) != 1 {
		t.Errorf("%s, %v", got, changed.Notes)
	}
}

func TestLimits(t *testing.T) {
	if _, err := overlayOf(k, "resources: [restore-point]", "big", string(bytes.Repeat([]byte{'x'}, maxBytes))); err == nil {
		t.Error("an overlay of any size is read")
	}
}

// Whatever an overlay says, it is refused with an error of its own or applied.
func FuzzOverlay(f *testing.F) {
	for _, text := range []string{
		"resources: [restore-point]", "resources: [restore-point]\nlabels: [{pairs: {a: b}}]", "resources: [restore-point, ../x]",
		"resources: [restore-point]\npatches: [{target: {kind: Secret}, patch: '[]'}]", "resources: [restore-point]\nnamePrefix: a-",
		"resources: [restore-point]\nreplacements: [{source: {kind: Secret}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.a]}]}]",
		"resources: [restore-point]\nconfigMapGenerator: [{name: a, literals: [a=b]}]", "resources: [restore-point]\nreplicas: [{name: a}]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := overlayOf(k, text)
		if err == nil {
			_, err = o.Apply(pointOf(t, web))
		}
		var refused *Error
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
