package restore

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

// largePoint has 500 objects in each namespace, nearly all of which are applied as they were
// saved, and some that are not.
func largePoint(t tb, namespaces int) Point {
	t.Helper()
	var live []map[string]any
	add := func(format string, args ...any) { live = append(live, decode(t, fmt.Sprintf(format, args...))) }
	for n := range namespaces {
		namespace := fmt.Sprintf("team-%02d", n)
		add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q,"uid":"u-%s"}}`, namespace, namespace)
		for i := range 300 - n {
			add(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings-%03d","namespace":%q},"data":{"a":"b"}}`, i, namespace)
		}
		for i := range 189 {
			add(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"token-%03d","namespace":%q},"data":{"a":"Yg=="}}`, i, namespace)
		}
		for i := range 20 {
			add(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"robot-%02d","namespace":%q}}`, i, namespace)
		}
		for i := range 10 {
			add(`{"apiVersion":"batch/v1beta1","kind":"CronJob","metadata":{"name":"nightly-%d","namespace":%q},"spec":{"schedule":"0 3 * * *",`+
				`"jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"a"}]}}}}}}`, i, namespace)
		}
		add(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"owned","namespace":%q,`+
			`"ownerReferences":[{"apiVersion":"lost.example.com/v1","kind":"Orphan","name":"o","uid":"u-o"}]}}`, namespace)
	}

	add(`{"apiVersion":"policy/v1beta1","kind":"PodSecurityPolicy","metadata":{"name":"strict"},"spec":{"privileged":false}}`)
	add(`{"apiVersion":"lost.example.com/v1","kind":"Orphan","metadata":{"name":"o","namespace":"team-01","uid":"u-o"}}`)
	add(`{"apiVersion":"extensions/v1beta1","kind":"Ingress","metadata":{"name":"old","namespace":"team-01"},` +
		`"spec":{"backend":{"serviceName":"a","servicePort":80}}}`)
	return pointOf(t, live...)
}

// TestALargePlanIsReadable shows the summary of a plan of 20,000 objects: what is unusual first,
// grouped, and no more than some screens of it.
func TestALargePlanIsReadable(t *testing.T) {
	t.Parallel()
	plan, err := NewPlan(largePoint(t, 40), target, Options{Policy: Policy{AllowBlocked: true}})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err = plan.Summarize(&b, Summary{More: "--full shows every step", Differences: conflicting(30)})
	if err != nil {
		t.Fatal(err)
	}
	got := b.String()

	const path = "testdata/large-plan.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the summary changed (-want +got):\n%s", diff)
	}

	if lines := strings.Count(got, "\n"); lines > 100 {
		t.Errorf("the summary of %d steps has %d lines", len(plan.Steps), lines)
	}
	at := 0
	for _, section := range []string{
		"\nBlocked", "\nUnknown", "\nConflicts", "\nConverted", "\nNotes", "\nKIND", "\nIn the cluster", "\nLists are cut",
	} {
		next := strings.Index(got[at:], section)
		if next < 0 {
			t.Fatalf("there is no section %q after what is more unusual", strings.TrimSpace(section))
		}
		at += next
	}
}

// conflicting are differences that a restore does not take from another manager.
func conflicting(n int) []Finding {
	var list []Finding
	for i := range n {
		list = append(list, Finding{
			Kind: FindingDifferent, Object: appbur.ObjectID{Kind: "ConfigMap", Namespace: "team-01", Name: fmt.Sprintf("settings-%03d", i)},
			Path: "data.a", What: `should be "b", is "c"`, Managers: []string{"kubectl-edit"}, Conflict: true,
		})
	}
	return append(list, Finding{
		Kind: FindingDifferent, Object: appbur.ObjectID{Kind: "Secret", Namespace: "team-02", Name: "token-001"},
		Path: "data.a", What: "is not as saved", Managers: []string{"rotator"}, Conflict: true,
	})
}

// TestTheGraphHasEveryEdge checks on the plans of the golden files and a large one that what the
// graph says is what the plan says: with the edges that follow from the ones that it shows.
func TestTheGraphHasEveryEdge(t *testing.T) {
	t.Parallel()
	points := map[string]Point{"large": largePoint(t, 4)}
	for _, path := range goldenFiles(t) {
		_, objects := readArchive(t, path)
		points[path] = pointOf(t, objects...)
	}
	for name, point := range points {
		plan, err := NewPlan(point, target, Options{Policy: Policy{AllowBlocked: true}})
		if err != nil {
			t.Fatal(err)
		}
		g := newOrderGraph(plan.Steps)
		ancestors := make([][]bool, len(plan.Steps)+1)
		for _, s := range plan.Steps {
			shown := slices.Concat(s.Needs, g.after(s))
			ancestors[s.ID] = make([]bool, len(plan.Steps)+1)
			for _, id := range shown {
				ancestors[s.ID][id] = true
				for earlier, is := range ancestors[id] {
					ancestors[s.ID][earlier] = ancestors[s.ID][earlier] || is
				}
			}
			for _, id := range s.After {
				if !ancestors[s.ID][id] {
					t.Fatalf("%s: step %d comes after %d, and the graph shows %v", name, s.ID, id, shown)
				}
			}
		}
	}
}
