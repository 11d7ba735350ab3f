package manifest

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// checkReassemble checks that manifest and entry lose nothing of an object but what
// rules drop as noise, and report it.
func checkReassemble(t failer, rules *Rules, obj map[string]any) {
	t.Helper()
	o, err := newObject(obj)
	if err != nil {
		t.Fatalf("%v", err)
	}

	// Whether an object is saved is another question; every object must survive.
	kind := *rules.forKind(o.id.GroupKind())
	entry, err := harvest(o)
	if err != nil {
		t.Fatalf("%v", err)
	}

	content := kind.strip(o, false, func(taken Taken) {
		if err := entry.keep(taken, nil); err != nil {
			t.Fatalf("%s: %v", taken.Path, err)
		}
	})
	data, err := Encode(content)
	if err != nil {
		t.Fatalf("%v", err)
	}

	manifest, err := Decode(data)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var read Entry
	if err := json.Unmarshal([]byte(mustJSON(t, entry)), &read); err != nil {
		t.Fatalf("%v", err)
	}

	got, err := Reassemble(manifest, read)
	if err != nil {
		t.Fatalf("%v\nobject %s\nentry %s\n%s", err, mustJSON(t, obj), mustJSON(t, entry), data)
	}
	taken, err := rules.Explain(obj)
	if err != nil {
		t.Fatalf("%v", err)
	}
	want := withoutNoise(t, obj, taken)
	if got := settle(got); !reflect.DeepEqual(got, want) {
		t.Fatalf("manifest and entry lose something (-want +got):\n%s\nobject %s\nentry %s\n%s", cmp.Diff(want, got), mustJSON(t, obj),
			mustJSON(t, entry), data)
	}
}

// withoutNoise removes from the object what the rules say that they drop, and nothing
// else. It works on paths alone and shares no code with the rules.
func withoutNoise(t failer, obj map[string]any, taken []Taken) map[string]any {
	t.Helper()
	rest := clone(obj).(map[string]any)

	var drops []Taken
	for _, each := range taken {
		if !each.Rule.Index {
			drops = append(drops, each)
		}
	}

	// Elements with higher positions first, parts before the whole: positions stay true.
	type drop struct {
		Taken
		way []link
	}

	ordered := make([]drop, len(drops))
	for i, each := range drops {
		way, err := parseTrail(each.Path)
		if err != nil {
			t.Fatalf("%v", err)
		}
		ordered[i] = drop{each, way}
	}

	slices.SortStableFunc(ordered, func(a, b drop) int { return slices.CompareFunc(b.way, a.way, link.compare) })
	for _, each := range ordered {
		// What an index rule took first is not part of what was dropped.
		var kept []Taken
		for _, other := range taken {
			if other.Rule.Index && strings.HasPrefix(other.Path, each.Path+".") {
				kept = append(kept, other)
			}
		}
		remove(rest, each.way, each.Rule.Prune)
		for _, other := range kept {
			way, err := parseTrail(other.Path)
			if err != nil {
				t.Fatalf("%v", err)
			}
			if _, err := putBack(rest, way, clone(other.Value)); err != nil {
				t.Fatalf("%v", err)
			}
		}
	}

	return settle(rest)
}

// remove takes away what the way leads to, and with prune the maps and lists that it
// empties. It returns the container.
func remove(container any, way []link, prune bool) any {
	next := way[0]
	if list, ok := container.([]any); ok {
		if next.index >= len(list) {
			return list
		}
		if len(way) == 1 {
			return slices.Delete(slices.Clone(list), next.index, next.index+1)
		}
		list[next.index] = remove(list[next.index], way[1:], prune)
		return list
	}

	fields, ok := container.(map[string]any)
	if !ok {
		return container
	}
	if len(way) == 1 {
		delete(fields, next.key)
		return fields
	}

	child, ok := fields[next.key]
	if !ok {
		return fields
	}
	below := remove(child, way[1:], prune)
	if prune && blank(below) {
		delete(fields, next.key)
	} else {
		fields[next.key] = below
	}
	return fields
}

// settle brings objects into one form: numbers as JSON has them, finalizers in order,
// owners without an explicit false.
func settle(obj map[string]any) map[string]any {
	obj = normal(obj).(map[string]any)
	metadata, _ := obj["metadata"].(map[string]any)
	if finalizers, ok := metadata["finalizers"].([]any); ok {
		slices.SortFunc(finalizers, func(a, b any) int {
			x, _ := a.(string)
			y, _ := b.(string)
			return strings.Compare(x, y)
		})
	}
	for _, owner := range mapsIn(metadata["ownerReferences"]) {
		if owner["controller"] == false {
			delete(owner, "controller")
		}
	}
	return obj
}

// metadataOf draws metadata as API servers write it.
func metadataOf() *rapid.Generator[map[string]any] {
	name := rapid.StringMatching(`[a-z]{1,8}`)
	texts := rapid.OneOf(rapid.SampledFrom(disputed), rapid.String())
	annotations := rapid.SampledFrom([]string{
		lastApplied, "deployment.kubernetes.io/revision", "argocd.argoproj.io/tracking-id",
		"example.org/own", "kapp.k14s.io/original", `odd"]key\`,
	})
	labels := rapid.SampledFrom([]string{"app", "controller-uid", "job-name", "pod-template-hash", "kubernetes.io/metadata.name"})

	finalizers := rapid.SampledFrom([]any{"orphan", "kubernetes.io/pvc-protection", "example.org/own"})
	return rapid.Custom(func(t *rapid.T) map[string]any {
		m := map[string]any{"name": name.Draw(t, "name")}
		maybe := func(key string, draw func() any) {
			if rapid.Bool().Draw(t, "has "+key) {
				m[key] = draw()
			}
		}
		maybe("namespace", func() any { return name.Draw(t, "namespace") })
		maybe("uid", func() any { return name.Draw(t, "uid") })
		maybe("resourceVersion", func() any { return "1" })
		maybe("generation", func() any { return int64(3) })
		maybe("creationTimestamp", func() any { return "2026-11-21T03:02:38Z" })
		maybe("generateName", func() any { return "a-" })
		maybe("annotations", func() any {
			return rapid.Map(rapid.MapOfN(annotations, rapid.Map(texts, toAny), 1, 5), toAny).Draw(t, "annotations")
		})
		maybe("labels", func() any {
			return rapid.Map(rapid.MapOfN(labels, rapid.Map(texts, toAny), 1, 4), toAny).Draw(t, "labels")
		})
		maybe("finalizers", func() any { return rapid.SliceOfNDistinct(finalizers, 1, 3, rapid.ID).Draw(t, "finalizers") })
		maybe("ownerReferences", func() any {
			return []any{map[string]any{
				"apiVersion": "a/v1", "kind": "K", "name": "n", "uid": "u",
				"controller": rapid.Bool().Draw(t, "controller"),
			}}
		})
		maybe("managedFields", func() any {
			return []any{map[string]any{
				"manager": "m", "operation": "Update", "apiVersion": "v1",
				"fieldsV1": map[string]any{"f:spec": map[string]any{"f:priority": map[string]any{}}},
			}}
		})
		return m
	})
}

// shapes are skeletons that many rules are about; random content is added to them.
var shapes = []string{
	`{"apiVersion":"v1","kind":"ConfigMap"}`,
	`{"apiVersion":"v1","kind":"ConfigMap","data":{}}`,
	`{"apiVersion":"v1","kind":"Namespace","spec":{"finalizers":["kubernetes","own"]},"status":{"phase":"Active"}}`,
	`{"apiVersion":"v1","kind":"ServiceAccount","secrets":[{"name":"a-token-abcde"},{"name":"own"},{"name":"a-dockercfg-abcde"}],"imagePullSecrets":[{"name":"a-dockercfg-abcde"}]}`,
	`{"apiVersion":"v1","kind":"Service","spec":{"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ipFamilyPolicy":"SingleStack","ipFamilies":["IPv4"],"ports":[{"port":80,"nodePort":30000},{"port":81},{"port":82,"nodePort":30001}]}}`,
	`{"apiVersion":"v1","kind":"Endpoints","subsets":[{"addresses":[{"ip":"1.2.3.4","nodeName":"n","targetRef":{"uid":"u"}},{"ip":"1.2.3.5"}],"notReadyAddresses":[{"ip":"1.2.3.6","nodeName":"n"}]},{}]}`,
	`{"apiVersion":"v1","kind":"Pod","spec":{"nodeName":"n","serviceAccount":"s","priority":0,"volumes":[{"name":"own"},{"name":"kube-api-access-abcde","projected":{}},{"name":"last"}],"containers":[{"name":"a","volumeMounts":[{"name":"kube-api-access-abcde","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}]},{"name":"b","volumeMounts":[{"name":"own"},{"name":"kube-api-access-abcde","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}]}],"tolerations":[{"key":"node.kubernetes.io/not-ready","effect":"NoExecute","tolerationSeconds":300},{"key":"own"}]}}`,
	`{"apiVersion":"batch/v1","kind":"Job","spec":{"selector":{"matchLabels":{"controller-uid":"u"}},"template":{"metadata":{"creationTimestamp":null,"labels":{"controller-uid":"u","job-name":"j"},"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"x"}}}}}`,
	`{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"template":{"metadata":{}},"volumeClaimTemplates":[{"metadata":{"name":"a","creationTimestamp":null},"status":{"phase":"Pending"}},{"metadata":{"creationTimestamp":null}}]}}`,
	`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","spec":{"versions":[{"name":"v1"}]},"status":{"storedVersions":["v1"],"conditions":[]}}`,
	`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","aggregationRule":{},"rules":[]}`,
	`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","rules":null}`,
	`{"apiVersion":"example.org/v1","kind":"Widget"}`,
	`{"apiVersion":"example.org/v1","kind":"Widget","status":null,"spec":{}}`,
	`{"apiVersion":"example.org/v1","kind":"Widget","status":{"a":[1,2.5,"1"]},"spec":{"templates":[{"metadata":{"creationTimestamp":null,"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"x","a":"b"}}},{}],"selfSigned":{}}}`,
}

// TestReassembleLosesNothingButNoise is the property of the whole package: many
// shapes, with random parts added at every level.
func TestReassembleLosesNothingButNoise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obj, err := Decode([]byte(rapid.SampledFrom(shapes).Draw(t, "shape")))
		if err != nil {
			t.Fatal(err)
		}

		for key, value := range objects().Draw(t, "more") {
			if _, taken := obj[key]; !taken && key != "metadata" {
				obj[key] = value
			}
		}

		if spec, ok := obj["spec"].(map[string]any); ok {
			for key, value := range objects().Draw(t, "more of spec") {
				if _, taken := spec[key]; !taken {
					spec[key] = value
				}
			}
		}

		obj["metadata"] = metadataOf().Draw(t, "metadata")
		checkReassemble(t, Default(), obj)
	})
}

// TestReassembleWithPolicy adds rules of users that take elements of the same lists
// as built-in ones, in both ways.
func TestReassembleWithPolicy(t *testing.T) {
	policy, err := parsePolicy(t, []byte(`
fields:
- {kinds: [Pod], path: "spec.volumes[name=last]", effect: drop, reason: r}
- {kinds: [Pod], path: "spec.volumes[name=own]", effect: index, reason: r}
- {kinds: [Pod], path: "spec.containers[name=a]", effect: index, reason: r}
- {kinds: [Pod], path: "spec.containers[].name", effect: index, reason: r}
- {kinds: [Pod], path: "spec.tolerations[key=own]", effect: drop, reason: r}
- {kinds: [ServiceAccount], path: "secrets[name=own]", effect: drop, reason: r}
- {kinds: [Service], path: "spec.ports", effect: index, reason: r}
- {kinds: [Widget.example.org], path: "spec.*", effect: index, reason: r}
- {kinds: ["*"], path: "metadata.annotations[\"example.org/*\"]", effect: drop, reason: r}
- {kinds: ["*"], path: "metadata.finalizers[]", effect: index, reason: r}
`))
	if err != nil {
		t.Fatal(err)
	}

	rules, err := Default().With(policy)
	if err != nil {
		t.Fatal(err)
	}

	rapid.Check(t, func(t *rapid.T) {
		obj, err := Decode([]byte(rapid.SampledFrom(shapes).Draw(t, "shape")))
		if err != nil {
			t.Fatal(err)
		}
		obj["metadata"] = metadataOf().Draw(t, "metadata")
		checkReassemble(t, rules, obj)
	})
}

// TestLastAppliedNeverSurvives plants the annotation in many maps of many shapes.
func TestLastAppliedNeverSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obj, err := Decode([]byte(rapid.SampledFrom(shapes).Draw(t, "shape")))
		if err != nil {
			t.Fatal(err)
		}
		obj["more"] = objects().Draw(t, "more")
		obj["metadata"] = metadataOf().Draw(t, "metadata")
		obj["metadata"].(map[string]any)["annotations"] = map[string]any{}
		plant(t, obj, true)
		result, err := Default().Make(obj)
		if err != nil {
			t.Fatal(err)
		}
		if all := string(result.Manifest.Data) + mustJSON(t, result.Entry); strings.Contains(all, "planted-canary") {
			t.Fatalf("it survives: %s", all)
		}
	})
}

// plant puts the annotation into some of the maps, but not at the root and not into
// metadata, where it is no annotation.
func plant(t *rapid.T, value any, spared bool) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			plant(t, v[key], spared && key == "metadata")
		}
		if !spared && rapid.Bool().Draw(t, "plant") {
			v[lastApplied] = "planted-canary"
		}
	case []any:
		for _, child := range v {
			plant(t, child, false)
		}
	}
}

func TestReassembleRefuses(t *testing.T) {
	good := terse("v1 ConfigMap a b")
	field := func(path string) Entry {
		return Entry{Fields: map[string]json.RawMessage{path: json.RawMessage(`1`)}}
	}
	for name, tt := range map[string]struct {
		manifest map[string]any
		entry    Entry
		matching bool
	}{
		"no manifest":      {nil, Entry{}, true},
		"no metadata":      {map[string]any{"a": "b"}, Entry{}, true},
		"value is there":   {good, field("kind"), true},
		"no list":          {good, field("kind[0]"), true},
		"no map":           {good, field("kind.a"), true},
		"beyond the list":  {good, field("a[1]"), true},
		"inside nothing":   {good, field("a[0].b"), true},
		"no path":          {good, field(""), false},
		"no position":      {good, field("a[x]"), false},
		"open quote":       {good, field(`a["b`), false},
		"empty key":        {good, field("a..b"), false},
		"field is no JSON": {good, Entry{Fields: map[string]json.RawMessage{"a": json.RawMessage(`{`)}}, false},
		"status":           {good, Entry{Status: json.RawMessage(`{`)}, false},
	} {
		if _, err := Reassemble(tt.manifest, tt.entry); err == nil || errors.Is(err, ErrNotMatching) != tt.matching {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseTrail(f *testing.F) {
	for _, seed := range []string{
		"spec.clusterIP", "spec.ports[0].nodePort", `metadata.annotations["a.b/c"]`, `["a\"]\\"]`, "[1][2].a", "",
		"a.", "[", `["`,
	} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, path string) {
		way, err := parseTrail(path)
		if err != nil {
			return
		}
		var places trail
		for _, l := range way {
			p := place{key: l.key, position: l.index}
			if l.list {
				p.container = []any(nil)
			}
			places = append(places, p)
		}
		again, err := parseTrail(places.String())
		if err != nil || !slices.Equal(way, again) {
			t.Fatalf("%q: %v is written as %q and read as %v, %v", path, way, places.String(), again, err)
		}
	})
}
