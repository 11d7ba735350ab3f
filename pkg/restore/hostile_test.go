package restore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/hostile"
	"github.com/appbur/appbur/pkg/manifest"
)

// archived returns the live objects of all golden plans.
func archived(t tb) []map[string]any {
	t.Helper()
	var objects []map[string]any
	for _, path := range goldenFiles(t) {
		_, live := readArchive(t, path)
		objects = append(objects, live...)
	}
	return objects
}

// hostilePoint makes a restore point of objects as they come: what the rules cannot
// read goes in as it is, as if it had been written into the repository by hand.
func hostilePoint(t tb, objects []map[string]any) Point {
	p := pointOf(t)
	seen := map[appbur.ObjectID]bool{}
	for _, object := range objects {
		id, err := manifest.IDOf(object)
		if err != nil || seen[id] {
			continue
		}
		seen[id] = true
		apiVersion, _ := object["apiVersion"].(string)
		p.Objects.Add(Object{ID: id, APIVersion: apiVersion, Content: object})
		if result, err := manifest.Default().Make(object); err == nil {
			p.Index[id] = result.Entry
		}
	}
	return p
}

// checkHostile plans, restores and verifies. Errors are fine, where they belong: to
// one object. What is not fine is a panic, caught or not.
func checkHostile(t tb, p Point, luck *rand.Rand) {
	t.Helper()
	plan, err := NewPlan(p, target, Options{Policy: Policy{AllowBlocked: true}})
	if err != nil {
		if !strings.Contains(err.Error(), "twice") {
			t.Fatalf("one object spoils the plan: %v", err)
		}
		return
	}
	planned := map[appbur.ObjectID]bool{}
	for _, s := range plan.Steps {
		planned[s.Object] = true
		calm(t, fmt.Sprint(s.Object), s.Why)
	}
	for _, o := range p.Objects.All() {
		if !planned[o.ID] && len(plan.Notes) == 0 {
			t.Errorf("the plan does not say what becomes of %s", o.ID)
		}
	}

	cluster := newFaultyCluster()
	report, _ := Applier{Cluster: cluster, Timeout: 1}.Apply(context.Background(), plan)
	for _, o := range report.Outcomes {
		calm(t, fmt.Sprint(o.Object), o.Reason)
	}
	for _, k := range cluster.objects {
		k.content = hostile.Spoil(k.content, luck)
	}
	findings, err := Verify(context.Background(), plan, cluster, manifest.Default(), nil)
	if err != nil {
		t.Fatalf("one object spoils the verification: %v", err)
	}
	for _, f := range findings.Findings {
		calm(t, fmt.Sprint(f.Object), f.What)
	}
}

func calm(t tb, object, text string) {
	t.Helper()
	if strings.Contains(text, "internal error") {
		t.Errorf("%s: %s", object, text)
	}
}

// TestHostileObjects plans, restores and verifies points in which objects are not
// what their kind says.
func TestHostileObjects(t *testing.T) {
	objects := archived(t)
	seeds := uint64(60)
	if testing.Short() {
		seeds = 8
	}

	for seed := range seeds {
		luck := rand.New(rand.NewPCG(seed, 31))
		spoiled := make([]map[string]any, len(objects))
		for i, o := range objects {
			if spoiled[i] = o; luck.IntN(3) > 0 {
				spoiled[i] = hostile.Spoil(o, luck)
			}
		}
		checkHostile(t, hostilePoint(t, spoiled), luck)
	}
}

func FuzzHostileObject(f *testing.F) {
	for _, object := range archived(f) {
		data, err := manifest.Encode(object)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint64(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		object, err := manifest.Decode(data)
		if err != nil {
			return
		}
		luck := rand.New(rand.NewPCG(seed, 31))
		checkHostile(t, hostilePoint(t, []map[string]any{object, hostile.Spoil(object, luck)}), luck)
	})
}

func TestAFieldIsRemovedWhateverIsOnItsPath(t *testing.T) {
	tests := []struct{ name, content, path, want string }{
		{"a field", `{"a":1,"b":2}`, "a", `{"b":2}`},
		{"no such field", `{"a":1}`, "b", `{"a":1}`},
		{"a nested field", `{"a":{"b":1,"c":2}}`, "a.b", `{"a":{"c":2}}`},
		{"nothing on the way", `{"a":{}}`, "a.b.c", `{"a":{}}`},
		{"no map on the way", `{"a":{"b":"text"}}`, "a.b.c", `{"a":{"b":"text"}}`},
		{"null on the way", `{"a":{"b":null}}`, "a.b.c", `{"a":{"b":null}}`},
		{"a list on the way", `{"a":[{"b":1}]}`, "a.b", `{"a":[{"b":1}]}`},
		{"null is a field", `{"a":{"b":null}}`, "a.b", `{"a":{}}`},
	}

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			content := decode(t, tt.content)
			if got := without(content, strings.Split(tt.path, ".")...); !equalJSON(got, decode(t, tt.want)) {
				t.Errorf("got %v, want %s", got, tt.want)
			}
			if !equalJSON(content, decode(t, tt.content)) {
				t.Errorf("the argument was changed to %v", content)
			}
		})
	}
}

// TestPanicFailsOneObject checks that an object on which the code trips fails alone.
func TestPanicFailsOneObject(t *testing.T) {
	cluster := newFaultyCluster()
	cluster.fault = func(r Request, _ int) error {
		if r.Object.Name == "b" {
			var shape any = r.Content
			_ = shape.([]any)
		}
		return nil
	}

	plan, err := NewPlan(pointOf(t, configMap("a"), configMap("b"), configMap("c")), target, Options{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := Apply(context.Background(), plan, cluster, nil)
	if err == nil || report.Counts.Created != 2 || report.Counts.Failed != 1 {
		t.Fatalf("%v: %s", err, report.Counts)
	}
	failed := report.Failures()[0]
	if failed.Object.Name != "b" || !strings.Contains(failed.Reason, "internal error at") || failed.Hint == "" {
		t.Errorf("got %+v", failed)
	}
}

func configMap(name string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"a": "b"},
		"metadata": map[string]any{"name": name, "namespace": "default", "uid": "uid-of-" + name},
	}
}
