package manifest

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"
)

// TestObjectRules checks each object rule with objects that it must decide about,
// and near misses that it must not.
func TestObjectRules(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/objects.txtar")
	if err != nil {
		t.Fatal(err)
	}
	rules := Default()
	untested := make(map[string]bool)
	for _, rule := range rules.Objects() {
		untested[rule.ID] = true
	}

	for _, file := range archive.Files {
		t.Run(strings.ReplaceAll(file.Name, " ", "_"), func(t *testing.T) {
			obj, err := Decode(file.Data)
			if err != nil {
				t.Fatal(err)
			}
			result, err := rules.Make(obj)
			if err != nil {
				t.Fatal(err)
			}
			want, _, _ := strings.Cut(file.Name, "/")
			if want == "default" {
				want = ""
			}
			if result.Decision.Rule != want {
				t.Fatalf("decided by %q (%s), want %q", result.Decision.Rule, result.Decision.Reason, want)
			}
			wantSaved := want == "" || strings.HasPrefix(want, "keep-")
			if result.Decision.Saved != wantSaved || (len(result.Manifest.Data) > 0) != wantSaved {
				t.Fatalf("saved: %v with %d bytes, want %v", result.Decision.Saved, len(result.Manifest.Data), wantSaved)
			}
			if want != "" && result.Decision.Reason == "" {
				t.Error("the decision has no reason")
			}
			decided, err := rules.Decide(obj)
			if err != nil || decided != result.Decision {
				t.Errorf("Decide says %v, %v; Make says %v", decided, err, result.Decision)
			}
			delete(untested, want)
		})
	}

	for id := range untested {
		t.Errorf("rule %s has no test in testdata/objects.txtar", id)
	}
}

// TestFieldRules compares manifests and index entries with golden ones and checks
// that each field rule takes something somewhere.
func TestFieldRules(t *testing.T) {
	paths, err := filepath.Glob("testdata/fields/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	rules := Default()
	untested := make(map[string]bool)
	for _, rule := range rules.Fields() {
		untested[rule.ID] = true
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) { checkFieldCase(t, rules, path, untested) })
	}
	checkAnnotations(t, rules, untested)
	for _, id := range slices.Sorted(maps.Keys(untested)) {
		t.Errorf("rule %s takes nothing in testdata/fields", id)
	}
}

// checkAnnotations checks that each rule about an annotation takes it, and puts it
// into the index if it says so.
func checkAnnotations(t *testing.T, rules *Rules, untested map[string]bool) {
	for _, rule := range rules.Fields() {
		key, isAnnotation := strings.CutPrefix(rule.Path, `metadata.annotations["`)
		if !isAnnotation {
			continue
		}
		key = strings.TrimSuffix(key, `"]`)
		kind := "Pod"
		if rule.Kinds[0] != EveryKind {
			kind = rule.Kinds[0]
		}

		obj := map[string]any{
			"apiVersion": "v1", "kind": kind,
			"metadata": map[string]any{"name": "a", "annotations": map[string]any{key: "x", "stays": "y"}},
		}
		result, err := rules.Make(obj)
		if err != nil || strings.Contains(string(result.Manifest.Data), key) || !strings.Contains(string(result.Manifest.Data), "stays") {
			t.Errorf("annotation %s: %v\n%s", key, err, result.Manifest.Data)
		}
		if _, indexed := result.Entry.Fields[rule.Path]; indexed != rule.Index {
			t.Errorf("annotation %s: in the index %v, want %v", key, indexed, rule.Index)
		}
		delete(untested, rule.ID)
	}
}

func checkFieldCase(t *testing.T, rules *Rules, path string, untested map[string]bool) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	live := archive.Files[0].Data
	obj, err := Decode(live)
	if err != nil {
		t.Fatal(err)
	}
	before := mustJSON(t, obj)

	taken, err := rules.Explain(obj)
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range taken {
		delete(untested, each.Rule.ID)
	}
	result, err := rules.Make(obj)
	if err != nil {
		t.Fatal(err)
	}

	if after := mustJSON(t, obj); after != before {
		t.Errorf("the object was modified:\n%s\n%s", before, after)
	}
	entry, err := json.MarshalIndent(result.Entry, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got := &txtar.Archive{Comment: archive.Comment, Files: []txtar.File{
		{Name: "live.yaml", Data: live}, {Name: "manifest.yaml", Data: result.Manifest.Data}, {Name: "entry.json", Data: append(entry, '\n')},
	}}

	if *update {
		if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(got))); diff != "" {
		t.Errorf("%s differs (-want +got), -update writes it:\n%s", path, diff)
	}
	checkIdempotent(t, rules, result)
}

// checkIdempotent checks that a manifest of a manifest is the same manifest.
func checkIdempotent(t failer, rules *Rules, result Result) {
	t.Helper()
	if !result.Decision.Saved {
		return
	}
	obj, err := Decode(result.Manifest.Data)
	if err != nil {
		t.Fatalf("%v\n%s", err, result.Manifest.Data)
	}

	// Who requested a field is not in the manifest, so a decision may differ from
	// the one about the live object; what is stripped may not.
	o, err := newObject(obj)
	if err != nil {
		t.Fatalf("%v", err)
	}
	again, err := Encode(rules.forKind(o.id.GroupKind()).strip(o, false, func(Taken) {}))
	if err != nil {
		t.Fatalf("%v", err)
	}
	if o.id.Kind != "Service" && string(again) != string(result.Manifest.Data) {
		t.Errorf("a manifest of the manifest differs:\n%s", cmp.Diff(string(result.Manifest.Data), string(again)))
	}
}

func TestMakeProperties(t *testing.T) {
	rules := Default()
	kinds := []string{
		"v1/ConfigMap", "v1/Service", "v1/Secret", "apps/v1/Deployment", "batch/v1/Job", "a.b/v1/Thing", "v1/Pod",
		"v1/Namespace",
	}
	rapid.Check(t, func(t *rapid.T) {
		obj := objects().Draw(t, "object")
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		cut := strings.LastIndex(kind, "/")
		obj["apiVersion"], obj["kind"] = kind[:cut], kind[cut+1:]
		metadata := objects().Draw(t, "metadata")
		metadata["name"] = "n"

		for _, key := range []string{"annotations", "labels", "finalizers", "ownerReferences", "managedFields"} {
			if rapid.Bool().Draw(t, key) {
				metadata[key] = rapid.OneOf(rapid.Just[any](nil), rapid.Just[any]([]any{}), rapid.Just[any](map[string]any{}),
					rapid.Just[any]([]any{"orphan", int64(1), map[string]any{}})).Draw(t, key+" value")
			}
		}

		obj["metadata"] = metadata
		before := mustJSON(t, obj)
		result, err := rules.Make(obj)
		if err != nil {
			return // a creation time that is no time
		}
		if after := mustJSON(t, obj); after != before {
			t.Fatalf("the object was modified:\n%s\n%s", before, after)
		}
		checkIdempotent(t, rules, result)
	})
}

func TestVersionFollowsTheRules(t *testing.T) {
	set := Set{Objects: []ObjectRule{{ID: "a", Effect: Exclude, Kinds: []string{"Pod"}, Reason: "r", Source: "s"}}}
	first, err := NewRules(set)
	if err != nil {
		t.Fatal(err)
	}
	set.Objects[0].When = Has{Path: "spec"}
	second, err := NewRules(set)
	if err != nil {
		t.Fatal(err)
	}
	if first.Version() == second.Version() {
		t.Errorf("another condition, the same version %s", first.Version())
	}
	compareGolden(t, "rules.txt", []byte("version "+Default().Version()+"\n\n"+Default().String()))
}

func TestNewRulesRefuses(t *testing.T) {
	good := FieldRule{ID: "a", Kinds: []string{"Pod"}, Path: "a.b", Reason: "r", Source: "s"}
	edit := func(change func(*FieldRule)) Set {
		rule := good
		change(&rule)
		return Set{Fields: []FieldRule{rule}}
	}
	for name, set := range map[string]Set{
		"no id":          edit(func(r *FieldRule) { r.ID = "" }),
		"id with spaces": edit(func(r *FieldRule) { r.ID = "a b" }),
		"no reason":      edit(func(r *FieldRule) { r.Reason = "" }),
		"no kind":        edit(func(r *FieldRule) { r.Kinds = nil }),
		"bad kind":       edit(func(r *FieldRule) { r.Kinds = []string{"a/b"} }),
		"no path":        edit(func(r *FieldRule) { r.Path = "" }),
		"bad path":       edit(func(r *FieldRule) { r.Path = "a..b" }),
		"open quote":     edit(func(r *FieldRule) { r.Path = `a["b` }),
		"ends deep":      edit(func(r *FieldRule) { r.Path = "a.**" }),
		"bad condition":  edit(func(r *FieldRule) { r.When = All{Not{Within{Is{Path: "a.**.b"}}}} }),
		"bad element":    edit(func(r *FieldRule) { r.When = Any{Element{Path: "a", Condition: Has{Path: ".a"}}} }),
		"same id twice":  {Fields: []FieldRule{good, good}},
		"no source":      edit(func(r *FieldRule) { r.Source = "" }),
		"bad brackets":   edit(func(r *FieldRule) { r.Path = "a[0].b" }),
		"open bracket":   edit(func(r *FieldRule) { r.Path = "a[b=c" }),
		"bad pattern":    edit(func(r *FieldRule) { r.Kinds = []string{"[a]*"} }),
		"no effect":      {Objects: []ObjectRule{{ID: "a", Kinds: []string{"Pod"}, Reason: "r", Source: "s"}}},
		"bad secret":     {Secrets: []SecretRule{{ID: "a", Kinds: []string{"."}, Path: "a", Reason: "r", Source: "s"}}},
		"no secret":      {Secrets: []SecretRule{{ID: "a", Kinds: []string{"Pod"}, Reason: "r", Source: "s"}}},
		"always deep":    {Secrets: []SecretRule{{ID: "a", Kinds: []string{"Pod"}, Path: "a.b", Always: true, Reason: "r", Source: "s"}}},
	} {
		if _, err := NewRules(set); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestExcludesKind(t *testing.T) {
	rules := Default()
	for kind, want := range map[string]string{
		"Event": "exclude-events", "Lease.coordination.k8s.io": "exclude-leases", "Pod": "",
		"Secret": "", "Thing.a.b": "",
	} {
		name, group, _ := strings.Cut(kind, ".")
		id, err := IDOf(map[string]any{"apiVersion": strings.TrimPrefix(group+"/v1", "/"), "kind": name, "metadata": map[string]any{"name": "x"}})
		if err != nil {
			t.Fatal(err)
		}
		decision, excluded := rules.ExcludesKind(id.GroupKind())
		if excluded != (want != "") || decision.Rule != want {
			t.Errorf("%s: %v by %q, want %q", kind, excluded, decision.Rule, want)
		}
	}
}

func TestSensitive(t *testing.T) {
	for kind, want := range map[string]bool{"Secret": true, "ConfigMap": false} {
		result, err := Default().Make(map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": "x", "namespace": "d"}})
		if err != nil || result.Manifest.Sensitive != want {
			t.Errorf("%s: sensitive %v, %v", kind, result.Manifest.Sensitive, err)
		}
	}
}

func TestMakeRefuses(t *testing.T) {
	name := map[string]any{"name": "x"}
	for what, obj := range map[string]map[string]any{
		"nothing": nil, "no kind": {"apiVersion": "v1", "metadata": name}, "no version": {"kind": "Pod", "metadata": name},
		"no name":     {"apiVersion": "v1", "kind": "Pod"},
		"two slashes": {"apiVersion": "a/b/c", "kind": "Pod", "metadata": name},
		"no group":    {"apiVersion": "/v1", "kind": "Pod", "metadata": name},
		"bad time":    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "x", "creationTimestamp": "yesterday"}},
	} {
		if _, err := Default().Make(obj); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
