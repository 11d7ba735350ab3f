//go:build integration

package restore

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/compat"
)

// expectedRefusals restores every object that pkg/compat/schema is tested with, and compares what
// the plan expects with the answer of the server.
func (r *theTarget) expectedRefusals(t *testing.T) {
	files, err := filepath.Glob("../compat/schema/testdata/*.txtar")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d cases (%v)", len(files), err)
	}
	var objects []map[string]any
	for _, file := range files {
		_, some := readArchive(t, file)
		objects = append(objects, some...)
	}
	plan := r.planOf(t, Policy{}, objects...)
	report, err := Apply(t.Context(), plan, r.cluster, nil)
	if !errors.Is(err, ErrIncomplete) {
		t.Fatal(err)
	}

	refused := 0
	for _, step := range plan.Steps {
		if step.Action != ActionApply {
			continue
		}
		outcome := outcomeOf(t, report, step.Object.String())
		expected := step.Verdict == compat.Refused || len(step.Details().Notices) > 0
		if step.Object.Kind == "Jnulls" && validatesFields(r.Version) {
			expected = false // a create drops a null where the schema allows none; an apply refuses it
		}
		if expected != (outcome.Result == Failed) {
			t.Errorf("%s is %s (%s); the plan says %s: %s %v", step.Object, outcome.Result, outcome.Reason, step.Verdict, step.Why, step.Details().Notices)
		}
		if expected {
			refused++
		}
	}
	if refused < 15 || report.Counts.Created < 30 {
		t.Errorf("%d objects refused, %s", refused, report.Counts)
	}
}

// gauges has two versions that differ in name and, although the server takes no notice
// of it, in their schemas.
const gauges = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gauges.stat.example.org}
spec:
  group: stat.example.org
  scope: Cluster
  names: {kind: Gauge, plural: gauges, singular: gauge, listKind: GaugeList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, properties: {
      spec: {type: object, properties: {unit: {type: string, enum: [bar]}}},
      status: {type: object, properties: {phase: {type: string}}}}}}
  - name: v1beta1
    served: true
    storage: false
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, properties: {
      spec: {type: object, properties: {unit: {type: string}, note: {type: string}}},
      status: {type: object, properties: {phase: {type: string}}}}}}
`

// anotherVersion restores an object that its saved version refuses at one that takes
// it, with its status, and what neither takes is tried and said to fail.
func (r *theTarget) anotherVersion(t *testing.T) {
	gauge := func(name, unit string) map[string]any {
		return decode(t, "apiVersion: stat.example.org/v1\nkind: Gauge\nmetadata: {name: "+name+", uid: u-"+name+"}\nspec: {unit: "+unit+
			"}\nstatus: {phase: Ready}\n")
	}
	noted := decode(t, "{apiVersion: stat.example.org/v1beta1, kind: Gauge, metadata: {name: noted}, spec: {unit: bar, note: gone}}")
	plan := r.planOf(t, Policy{}, decode(t, gauges), noted, gauge("good", "bar"), gauge("old", "psi"), gauge("wrong", "[1]"),
		decode(t,
			`{apiVersion: v1, kind: Secret, metadata: {name: gauge-login, namespace: default, ownerReferences: [{apiVersion: stat.example.org/v1, kind: Gauge, name: wrong, uid: u-wrong}]}, data: {p: aHVzaA==}}`))
	report, err := Apply(t.Context(), plan, r.cluster, nil)
	if !errors.Is(err, ErrIncomplete) {
		t.Fatal(err)
	}

	if text := plan.String(); !strings.Contains(text, "stat.example.org/v1 becomes stat.example.org/v1beta1") ||
		!strings.Contains(text, "Expected to be refused") {
		t.Errorf("the plan does not say so:\n%s", text)
	}
	for name, want := range map[string]Result{
		"Gauge.stat.example.org/good": Created, "Gauge.stat.example.org/old": Created,
		"Gauge.stat.example.org/wrong": Failed, "Secret/default/gauge-login": Created,
	} {
		if got := outcomeOf(t, report, name); got.Result != want {
			t.Errorf("%s is %s, want %s: %s", name, got.Result, want, got.Reason)
		}
	}
	for _, f := range r.verify(t, plan).Findings {
		if f.Object.Name == "good" || f.Object.Name == "old" {
			t.Errorf("%s %s: %s %s", f.Kind, f.Object, f.Path, f.What)
		}
	}

	// What the storage version does not have is accepted and not stored, and the plan says so.
	step := plan.stepOf(t, "Gauge.stat.example.org/noted")
	if len(step.Details().Notices) != 1 || step.Details().Notices[0].Path != "spec.note" {
		t.Errorf("the plan does not say what is dropped: %+v", step)
	}
	live, err := r.cluster.Get(t.Context(), step.Object, "stat.example.org/v1beta1")
	if err != nil || text(live, "spec", "unit") != "bar" || field(live, "spec", "note") != nil {
		t.Errorf("noted came back as %v (%v)", live, err)
	}
	live, err = r.cluster.Get(t.Context(), plan.stepOf(t, "Gauge.stat.example.org/old").Object, "stat.example.org/v1beta1")
	if err != nil || text(live, "spec", "unit") != "psi" || text(live, "status", "phase") != "Ready" {
		t.Errorf("old came back as %v (%v)", live, err)
	}
}

// stepOf returns the step that applies an object.
func (p *Plan) stepOf(t *testing.T, name string) *Step {
	t.Helper()
	for _, s := range p.Steps {
		if s.Action == ActionApply && s.Object.String() == name {
			return s
		}
	}
	t.Fatalf("the plan does not apply %s", name)
	return nil
}
