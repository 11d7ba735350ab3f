package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

func TestDifferences(t *testing.T) {
	tests := []struct {
		name, want, live string
		found            string
	}{
		{"equal", `{"a":1,"b":[{"c":true}]}`, `{"a":1,"b":[{"c":true}]}`, ""},
		{"more fields", `{"a":{"b":"x"}}`, `{"a":{"b":"x","c":"default"},"d":1}`, ""},
		{"more fields in elements", `{"l":[{"a":1},{"a":2}]}`, `{"l":[{"a":1,"p":"TCP"},{"a":2,"p":"TCP"}]}`, ""},
		{"integer and float", `{"a":1}`, `{"a":1.0}`, ""},
		{"null requires nothing", `{"a":null}`, `{}`, ""},
		{"other value", `{"a":{"b":"x"}}`, `{"a":{"b":"y"}}`, `a.b should be "x", is "y"`},
		{"other type", `{"a":"1"}`, `{"a":1}`, `a should be "1", is 1`},
		{"missing", `{"a":{"b":"x"}}`, `{"a":{}}`, `a.b should be "x", is missing`},
		{"empty map is something", `{"podSelector":{}}`, `{}`, `podSelector should be {}, is missing`},
		{"shorter list", `{"a":[1,2]}`, `{"a":[1]}`, `a should be [1,2], is [1]`},
		{"longer list", `{"a":[1]}`, `{"a":[1,2]}`, `a should be [1], is [1,2]`},
		{"other order", `{"a":["x","y"]}`, `{"a":["y","x"]}`, `a[0] should be "x", is "y"; a[1] should be "y", is "x"`},
		{"dotted key", `{"data":{"a.b":"1"}}`, `{"data":{"a.b":"2"}}`, `data["a.b"] should be "1", is "2"`},
	}

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var found []string
			for _, d := range differences(decode(t, tt.want), decode(t, tt.live)) {
				found = append(found, formatPath(d.path)+" "+d.what)
			}
			if got := strings.Join(found, "; "); got != tt.found {
				t.Errorf("got  %s\nwant %s", got, tt.found)
			}
		})
	}
}

func TestAdditions(t *testing.T) {
	want := decode(t, `{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}`)
	live := decode(t, `{"spec":{"containers":[{"name":"a","policy":"x"},{"name":"b","policy":{"deep":1}}],"replicas":1}}`)
	counts := map[string]int{}
	additions(nil, want, live, func(path []string) { counts[countedPath(path)]++ })
	if diff := cmp.Diff(map[string]int{"spec.containers[].policy": 2, "spec.replicas": 1}, counts); diff != "" {
		t.Error(diff)
	}
}

func TestVerifyFindsWhatIsMissing(t *testing.T) {
	cluster, plan := newFaultyCluster(), fleetPlan(t)
	rules := manifest.Default()
	if _, err := Apply(t.Context(), plan, cluster, nil); err != nil {
		t.Fatal(err)
	}
	findings, err := Verify(t.Context(), plan, cluster, rules, nil)
	if err != nil || !findings.OK() || findings.Checked != 11 || findings.Owners != 4 {
		t.Fatalf("%+v (%v)", findings, err)
	}
	id := appbur.ObjectID{Kind: "Secret", Namespace: "fleet", Name: "c-kubeconfig"}
	delete(cluster.objects, id)
	if findings, err = Verify(t.Context(), plan, cluster, rules, nil); err != nil {
		t.Fatal(err)
	}

	want := []Finding{{Kind: FindingMissing, Object: id, What: "is not in the target"}}
	if diff := cmp.Diff(want, findings.Findings); diff != "" {
		t.Error(diff)
	}

	var b bytes.Buffer
	if err := findings.Render(&b); err != nil ||
		!strings.Contains(b.String(),
			"11 objects and 3 owner references checked, 1 findings\n  missing Secret/fleet/c-kubeconfig: is not in the target") {
		t.Errorf("%s (%v)", b.String(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(ctx, plan, cluster, rules, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled verification: %v", err)
	}
}

// The names of JSON fields are a promise to scripts.
func TestJSONFields(t *testing.T) {
	id := appbur.ObjectID{Kind: "Secret", Namespace: "n", Name: "a"}
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{
			"empty report",
			Report{Format: 1, Point: "p"},
			`{"format":1,"restorePoint":"p","counts":{"created":0,"configured":0,"unchanged":0,"skipped":0,"failed":0,"converted":0},"remaining":0,"outcomes":[]}`,
		},
		{
			"outcome",
			Outcome{Object: id, APIVersion: "v1", Result: Failed, Attempts: 2, Reason: "r", Hint: "h", Cause: &id},
			`{"object":"Secret/n/a","apiVersion":"v1","result":"failed","attempts":2,"reason":"r","hint":"h","cause":"Secret/n/a"}`,
		},
		{
			"empty findings",
			Findings{Format: 1, Point: "p"},
			`{"format":1,"restorePoint":"p","checked":0,"owners":0,"statusMoved":0,"findings":[]}`,
		},
		{"barrier", Step{ID: 3, Action: ActionBarrier, Why: "w", After: []int{1, 2}}, `{"id":3,"action":"barrier","why":"w","after":[1,2]}`},
		{
			"event",
			Event{Kind: EventFinished, Done: 1, Total: 2, Step: 1, Action: ActionApply, Object: id, Result: Created},
			`{"kind":"finished","done":1,"total":2,"step":1,"action":"apply","object":"Secret/n/a","result":"created"}`,
		},
	}

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.Marshal(tt.value)
			if err != nil || string(got) != tt.want {
				t.Errorf("got  %s\nwant %s (%v)", got, tt.want, err)
			}
		})
	}
}
