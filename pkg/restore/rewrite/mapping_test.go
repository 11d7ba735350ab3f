package rewrite

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/hostile"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

const shop = `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {volumeName: pv-1}
`

const aroundShop = `apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-1}
spec: {claimRef: {name: data, namespace: shop}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: web}
roleRef: {kind: ClusterRole, name: nodes}
subjects:
- {kind: ServiceAccount, name: web, namespace: shop}
- {kind: ServiceAccount, name: web, namespace: other}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web, namespace: other}
roleRef: {kind: Role, name: web}
subjects:
- {kind: User, name: "system:serviceaccount:shop:web"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: shop}
webhooks:
- name: a.example.com
  clientConfig: {service: {name: hook, namespace: shop}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: free, namespace: other}
data: {a: b}
`

func join(parts ...string) string { return strings.Join(parts, "---\n") }

func ids(p restore.Point) (list []string) {
	for _, o := range p.Objects.All() {
		list = append(list, o.ID.String())
	}
	return list
}

func find(t *testing.T, p restore.Point, id string) restore.Object {
	t.Helper()
	for _, o := range p.Objects.All() {
		if o.ID.String() == id {
			return o
		}
	}
	t.Fatalf("there is no %s among %v", id, ids(p))
	return restore.Object{}
}

func noteAbout(p restore.Point, id string) string {
	for _, n := range p.Notes {
		if n.Object.String() == id {
			return n.What
		}
	}
	return ""
}

func TestAMapMovesEverythingWhereTheOldNamespaceIsGone(t *testing.T) {
	point := pointOf(t, join(shop, aroundShop))
	before, _ := json.Marshal(contents(point))
	moved := apply(t, mapped(t, Changes{}, "shop=store"), point)

	want := []string{
		"Namespace/store", "ServiceAccount/store/web", "PersistentVolumeClaim/store/data", "PersistentVolume/pv-1",
		"ClusterRoleBinding.rbac.authorization.k8s.io/web", "RoleBinding.rbac.authorization.k8s.io/other/web",
		"ValidatingWebhookConfiguration.admissionregistration.k8s.io/shop", "ConfigMap/other/free",
	}
	if got := ids(moved); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if after, _ := json.Marshal(contents(point)); string(before) != string(after) {
		t.Error("the point that was given has changed")
	}
	for i, o := range moved.Objects.All() {
		if got, was := moved.Index[o.ID].UID, point.Index[point.Objects.At(i).ID].UID; got != was {
			t.Errorf("the index has %q for %s, not %q", got, o.ID, was)
		}
	}
	if len(moved.Index) != len(point.Index) || len(moved.Notes) > 0 {
		t.Errorf("%d entries, notes %v", len(moved.Index), moved.Notes)
	}
}

// besideAll is a map for a target that has everything that the point has.
func besideAll(t *testing.T, p restore.Point) Changes {
	t.Helper()
	c := mapped(t, Changes{Beside: map[string]bool{"shop": true}, Originals: map[appbur.ObjectID]bool{}}, "shop=store")
	contested, err := c.Contested(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range contested {
		if c.Originals[o.ID], err = c.NameOld(o); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// What a first run made is no original for the second.
func TestASecondRunMakesTheSame(t *testing.T) {
	point := pointOf(t, join(shop, aroundShop))
	c := mapped(t, Changes{}, "shop=store")
	contested, err := c.Contested(point)
	if err != nil || len(contested) != 4 {
		t.Fatalf("%v %v", contested, err)
	}
	for _, made := range apply(t, c, point).Objects.All() {
		if old, err := c.NameOld(made); old || err != nil {
			t.Errorf("%s is taken for the original (%v)", made.ID, err)
		}
	}

	swap := mapped(t, Changes{}, "shop=other", "other=shop")
	for _, o := range contested {
		if old, err := swap.NameOld(o); old || err != nil {
			t.Errorf("%s is taken for the original of a swap (%v)", o.ID, err)
		}
	}
}

// The original must not lose what is its own: its rights, its volume, its webhook.
func TestACopyBesideItsOriginalTakesNothingFromIt(t *testing.T) {
	point := pointOf(t, join(shop, aroundShop))
	copied := apply(t, besideAll(t, point), point)

	want := []string{
		"Namespace/store", "ServiceAccount/store/web", "PersistentVolumeClaim/store/data",
		"ClusterRoleBinding.rbac.authorization.k8s.io/web-store", "RoleBinding.rbac.authorization.k8s.io/other/web-store",
		"ConfigMap/other/free",
	}
	if got := ids(copied); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	binding := find(t, copied, "ClusterRoleBinding.rbac.authorization.k8s.io/web-store")
	subjects, _ := json.Marshal(binding.Content["subjects"])
	if string(subjects) != `[{"kind":"ServiceAccount","name":"web","namespace":"store"}]` {
		t.Errorf("the second binding is for %s", subjects)
	}
	for id, part := range map[string]string{
		"PersistentVolume/pv-1": "new volume, which is empty",
		"ValidatingWebhookConfiguration.admissionregistration.k8s.io/shop": "left out",
		"ClusterRoleBinding.rbac.authorization.k8s.io/web-store":           "stays as it is",
	} {
		if got := noteAbout(copied, id); !strings.Contains(got, part) {
			t.Errorf("the note about %s says %q", id, got)
		}
	}

	plan := planOf(t, copied)
	claim := stepOf(t, plan, "PersistentVolumeClaim/store/data")
	if text(claim.Content, "spec", "volumeName") != "" {
		t.Error("the claim of the copy asks for the volume of the original")
	}
}

func planOf(t *testing.T, p restore.Point) *restore.Plan {
	t.Helper()
	p.Meta.Cluster.Version = appbur.KubeVersion{Major: 1, Minor: 36}
	plan, err := restore.NewPlan(p, compat.TableTarget(appbur.KubeVersion{Major: 1, Minor: 37}), restore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func stepOf(t *testing.T, plan *restore.Plan, id string) *restore.Step {
	t.Helper()
	for _, s := range plan.Steps {
		if s.Object.String() == id && s.Action == restore.ActionApply {
			return s
		}
	}
	t.Fatalf("no step for %s", id)
	return nil
}

func TestThePlanSaysWhatWasChangedAndOwnersAreFound(t *testing.T) {
	point := pointOf(t, join(shop, `apiVersion: v1
kind: ConfigMap
metadata: {name: owned, namespace: shop}
`))
	owned := appbur.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "owned"}
	entry := point.Index[owned]
	entry.Owners = []manifest.Owner{{
		APIVersion: "v1", Kind: "ServiceAccount", Name: "web",
		UID: point.Index[appbur.ObjectID{Kind: "ServiceAccount", Namespace: "shop", Name: "web"}].UID,
	}}
	point.Index[owned] = entry

	plan := planOf(t, apply(t, mapped(t, Changes{}, "shop=store"), point))
	step := stepOf(t, plan, "ConfigMap/store/owned")
	if len(step.Details().Owners) != 1 || step.Details().Owners[0].Object.String() != "ServiceAccount/store/web" {
		t.Errorf("owners: %+v", step.Details().Owners)
	}
	if len(step.Details().Rewritten) != 1 || step.Details().Rewritten[0].Path != "metadata.namespace" {
		t.Errorf("rewritten: %+v", step.Details().Rewritten)
	}
	for _, part := range []string{
		"Changed on the way (4 objects)",
		"metadata.namespace: shop becomes store: it lies in it\n      in ConfigMap/store/owned",
	} {
		if !strings.Contains(plan.String(), part) {
			t.Errorf("the plan does not say %q:\n%s", part, plan)
		}
	}
}

func TestAMapSwapsNamespacesAndChangesEachFieldOnce(t *testing.T) {
	point := pointOf(t, `apiVersion: v1
kind: Namespace
metadata: {name: a}
---
apiVersion: v1
kind: Namespace
metadata: {name: b}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv}
spec: {claimRef: {kind: PersistentVolumeClaim, name: data, namespace: a}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: b}
`)
	swapped := apply(t, mapped(t, Changes{Beside: map[string]bool{"a": true, "b": true}}, "a=b", "b=a"), point)
	if got := ids(swapped); !slices.Equal(got, []string{"Namespace/b", "Namespace/a", "PersistentVolume/pv", "ConfigMap/a/c"}) {
		t.Errorf("got %v", got)
	}
	if got := text(find(t, swapped, "PersistentVolume/pv").Content, "spec", "claimRef", "namespace"); got != "b" {
		t.Errorf("two rows are about the field: it is %s", got)
	}
}

func TestTwoNamespacesBecomeOneOnlyIfNothingCollides(t *testing.T) {
	two := func(a, b string) restore.Point {
		return pointOf(t, join("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
			"apiVersion: v1\nkind: Namespace\nmetadata: {name: b, labels: {own: b}}\n",
			"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: a}\n",
			"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: b}\n",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "+a+", namespace: a}\n",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "+b+", namespace: b}\n"))
	}

	joined := apply(t, mapped(t, Changes{}, "a=b"), two("one", "two"))
	if got := ids(joined); !slices.Equal(got, []string{"Namespace/b", "ServiceAccount/b/default", "ConfigMap/b/one", "ConfigMap/b/two"}) {
		t.Errorf("got %v", got)
	}
	if got := text(find(t, joined, "Namespace/b").Content, "metadata", "labels", "own"); got != "b" {
		t.Error("the namespace that keeps its name lost its labels")
	}

	var collision *CollisionError
	_, err := mapped(t, Changes{}, "a=b").Apply(two("one", "one"))
	if !errors.As(err, &collision) || !strings.Contains(err.Error(), "ConfigMap/b/one (from ConfigMap/a/one and ConfigMap/b/one)") {
		t.Errorf("got %v", err)
	}
	if _, err = mapped(t, Changes{}, "a=c", "b=c").Apply(two("one", "two")); !errors.As(err, &collision) ||
		!strings.Contains(err.Error(), "Namespace/c (from Namespace/a and Namespace/b)") {
		t.Errorf("namespaces of other labels: %v", err)
	}
}

func TestWhatOnlyLooksLikeANamespaceIsTold(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte("postgres://db.shop.svc:5432/"))
	for object, place := range map[string]string{
		`{"kind":"ConfigMap","data":{"url":"http://web.shop.svc.cluster.local/"}}`:                "data.url",
		`{"kind":"ConfigMap","data":{"config.yaml":"x:\n  namespace: shop\n"}}`:                   `data["config.yaml"]`,
		`{"kind":"ConfigMap","data":{"q":"up{namespace=\"shop\"}"}}`:                              "data.q",
		`{"kind":"ConfigMap","data":{"u":"system:serviceaccount:shop:web"}}`:                      "data.u",
		`{"kind":"Service","spec":{"externalName":"db.shop.svc"}}`:                                "spec.externalName",
		`{"kind":"Secret","data":{"dsn":"` + encoded + `"}}`:                                      "data.dsn",
		`{"kind":"Pod","spec":{"containers":[{"args":["--namespace=shop"]}]}}`:                    "spec.containers[0].args[0]",
		`{"kind":"Pod","spec":{"containers":[{"args":["-n","shop"]}]}}`:                           "spec.containers[0].args[1]",
		`{"kind":"Pod","spec":{"containers":[{"env":[{"name":"MY_NAMESPACE","value":"shop"}]}]}}`: "spec.containers[0].env[0].value",
		`{"kind":"Widget","spec":{"target":{"namespace":"shop"}}}`:                                "spec.target.namespace",
		`{"kind":"Widget","spec":{"namespaces":["shop"]}}`:                                        "spec.namespaces[0]",

		`{"kind":"ConfigMap","data":{"url":"http://web.shopping.svc/"}}`:     "",
		`{"kind":"ConfigMap","data":{"url":"http://web.shop.example.com/"}}`: "",
		`{"kind":"ConfigMap","data":{"name":"shop"}}`:                        "",
		`{"kind":"Pod","spec":{"containers":[{"name":"shop"}]}}`:             "",
		`{"kind":"ConfigMap","data":{"n":"namespace: shop-other"}}`:          "",
	} {
		point := pointOf(t, shop)
		var content map[string]any
		if err := json.Unmarshal([]byte(object), &content); err != nil {
			t.Fatal(err)
		}
		content["apiVersion"], content["metadata"] = "v1", map[string]any{"name": "x", "namespace": "shop"}
		id := appbur.ObjectID{Kind: text(content, "kind"), Namespace: "shop", Name: "x"}
		point.Objects.Add(restore.Object{ID: id, APIVersion: "v1", Content: content})

		id.Namespace = "store"
		got := noteAbout(apply(t, mapped(t, Changes{}, "shop=store"), point), id.String())
		if place == "" && got != "" || place != "" && !strings.HasSuffix(got, ": "+place) {
			t.Errorf("%s: the note is %q, want %q", object, got, place)
		}
		if strings.Contains(got, "postgres") || strings.Contains(got, encoded) {
			t.Errorf("the note shows a secret: %s", got)
		}
	}
}

func TestAMapThatCannotBeUsedIsRefused(t *testing.T) {
	for pair, want := range map[string]string{
		"shop": "an equals sign is missing", "shop=Shop": "is no name of a namespace", "=a": "is no name", "a=": "is no name",
		"a=a": "the same", "a=b=c": "is no name",
	} {
		var e *PairError
		if _, err := ParseNamespaces([]string{pair}); !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", pair, err)
		}
	}
	if _, err := ParseNamespaces([]string{"a=b", "a=c"}); err == nil || !strings.Contains(err.Error(), "already to become b") {
		t.Errorf("got %v", err)
	}

	var unknown *UnknownNamespaceError
	if _, err := mapped(t, Changes{}, "shopp=store").Apply(pointOf(t, shop)); !errors.As(err, &unknown) ||
		!slices.Equal(unknown.Held, []string{"shop"}) {
		t.Errorf("got %v", err)
	}
}

func TestUsersAddFields(t *testing.T) {
	fields, err := ParseFields([]byte(`fields:
- kind: "*.example.com"
  path: spec.targets[].ref
  holds: namespaced-name
  when: {kind: "*"}
  unless: [remote]
  reason: what the widget watches
`))
	if err != nil {
		t.Fatal(err)
	}
	point := pointOf(t, join(shop, `apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
spec:
  targets:
  - {kind: Pod, ref: shop/web}
  - {kind: Pod, ref: shop/web, remote: blue}
  - {ref: shop/web}
`))
	c := Changes{Fields: fields}
	report := report(apply(t, mapped(t, c, "shop=store"), point))
	if !strings.Contains(report, "spec.targets[0].ref: shop/web becomes store/web: what the widget watches") ||
		strings.Contains(report, "targets[1]") || strings.Contains(report, "targets[2]") {
		t.Error(report)
	}

	for file, want := range map[string]string{
		"":           "the file is empty",
		"fields: []": "it has no fields",
		"rows: []":   "there is no setting rows",
		"fields: [{kind: A, path: a, reason: r, colour: red}]": "there is no setting colour",
		"fields: [{path: a, reason: r}]":                       "row 1: kind is missing",
		"fields: [{kind: A, path: a}]":                         "row 1: reason is missing",
		"fields: [{kind: A, reason: r}]":                       "row 1: path is missing",
		"fields: [{kind: '[', path: a, reason: r}]":            "row 1: kind \"[\" is no pattern",
		"fields: [{kind: A, path: a, reason: r, holds: x}]":    "row 1: holds is \"x\"",
		"fields: [{kind: A, path: 'a[0]', reason: r}]":         "which means all of its elements",
		"fields: [{kind: A, path: 'a..b', reason: r}]":         "a key is empty",
		"fields: [{kind: A, path: 'a.\"b', reason: r}]":        "a quote does not end",
		"fields: [{kind: A, path: 'a[]b', reason: r}]":         "a dot is missing",
		"fields: [{kind: A, path: '**', reason: r}]":           "has to end in a field",
		"fields: [{kind: A, path: '**.a.**.b', reason: r}]":    "can be in it once",
	} {
		var e *FieldsError
		if _, err := ParseFields([]byte(file)); !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, row := range NamespaceFields() {
		f.Add(row.Path)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePath(text)
		if err != nil {
			return
		}
		p.edit(map[string]any{"a": []any{map[string]any{"b": "x"}}}, func(s spot) (string, bool) { return s.value + "y", true })
	})
}

// Every object of the archives, with generated names: there and back is the identity, and no
// field of the table names the old namespace in between.
func TestThereAndBackIsTheIdentity(t *testing.T) {
	var rows []row
	for _, f := range NamespaceFields() {
		r, err := newRow(f)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}

	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z][a-z0-9]{0,6}`)
		old := name.Draw(t, "old")
		other := name.Filter(func(s string) bool { return s != old }).Draw(t, "new")
		stranger := name.Filter(func(s string) bool { return s != old && s != other }).Draw(t, "stranger")

		point := restore.Point{Index: map[appbur.ObjectID]manifest.Entry{}}
		add := func(content map[string]any) {
			id, err := manifest.IDOf(content)
			if err != nil {
				t.Fatal(err)
			}
			point.Objects.Add(restore.Object{ID: id, APIVersion: "v1", Content: content})
		}
		add(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": old}})
		for i := range rapid.IntRange(1, 6).Draw(t, "objects") {
			f := rapid.SampledFrom(NamespaceFields()).Draw(t, "field")
			add(generated(t, f, fmt.Sprint("o", i), rapid.SampledFrom([]string{old, stranger}), []string{"", old, stranger}))
		}

		there := mustApply(t, point, old, other)
		for _, o := range there.Objects.All() {
			for _, r := range rows {
				r.path.edit(o.Content, func(s spot) (string, bool) {
					if _, namespace, _, ok := r.form(s.value); ok && namespace == old && r.about(o.ID.GroupKind()) && r.meant(s.around) {
						t.Fatalf("%s still names %s in %s", o.ID, old, s.at())
					}
					return "", false
				})
			}
		}
		if back := mustApply(t, there, other, old); !sameContent(point, back) {
			t.Fatalf("it came back as\n%s", report(back))
		}
	})
}

func mustApply(t *rapid.T, p restore.Point, from, to string) restore.Point {
	n, err := ParseNamespaces([]string{from + "=" + to})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := Changes{Namespaces: n}.Apply(p)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// generated makes an object that has a field of the table.
func generated(t *rapid.T, f Field, name string, values *rapid.Generator[string], homes []string) map[string]any {
	kind, group, _ := strings.Cut(strings.ReplaceAll(f.Kind, "*", "Any"), ".")
	apiVersion := "v1"
	if group != "" {
		apiVersion = strings.ToLower(group) + "/v1"
	}
	p, err := parsePath(f.Path)
	if err != nil {
		t.Fatal(err)
	}

	value := values.Draw(t, "value")
	text := map[Form]string{
		"": value, FormName: value, FormNamespacedName: value + "/x", FormUser: userPrefix + value + ":x", FormGroup: groupPrefix + value,
	}[f.Holds]
	built := build(p.segments, text, f.When)
	content, _ := built.(map[string]any)
	metadata, _ := content["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["name"] = name
	if home := rapid.SampledFrom(homes).Draw(t, "home"); home != "" {
		metadata["namespace"] = home
	}
	content["apiVersion"], content["kind"], content["metadata"] = apiVersion, kind, metadata
	return content
}

func build(segments []segment, text string, when map[string]string) any {
	if len(segments) == 0 {
		return text
	}
	inner := build(segments[1:], text, when)
	switch step := segments[0]; step.kind {
	case stepElements:
		return []any{inner}
	case stepAnyDepth:
		return map[string]any{"deep": []any{inner}}
	default:
		content := map[string]any{strings.ReplaceAll(step.key, "*", "n"): inner}
		for key, value := range when {
			if content[key] == nil {
				content[key] = value
			}
		}
		return content
	}
}

// Objects of any shape are changed without a panic.
func TestHostileObjects(t *testing.T) {
	point := pointOf(t, join(shop, aroundShop))
	luck := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		p := point
		p.Objects = point.Objects.Clone()
		i := 1 + luck.IntN(p.Objects.Len()-1)
		spoilt := p.Objects.At(i)
		spoilt.Content = hostile.Spoil(spoilt.Content, luck)
		p.Objects.Set(i, spoilt)
		c := mapped(t, Changes{}, "shop=store")
		if luck.IntN(2) == 0 {
			c = besideAll(t, p)
		}
		if _, err := c.Apply(p); err != nil {
			t.Errorf("%v: %v", spoilt.Content, err)
		}
	}
}

func BenchmarkMapping(b *testing.B) {
	var manifests []string
	for i := range 2000 {
		manifests = append(manifests, fmt.Sprintf("{apiVersion: apps/v1, kind: Deployment, metadata: {name: d%d, namespace: shop, labels: "+
			"{app: shop}}, spec: {replicas: 2, template: {spec: {containers: [{name: a, image: 'a:1', env: [{name: A, value: b}]}]}}}}", i))
	}
	point := pointOf(b, strings.Join(manifests, "\n---\n"))
	c := mapped(b, Changes{}, "shop=store")
	for b.Loop() {
		apply(b, c, point)
	}
}
