package restore

import (
	"fmt"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// manyPlan restores so many ConfigMaps of one namespace.
func manyPlan(t *testing.T, n int) *Plan {
	t.Helper()
	var objects []map[string]any
	for i := range n {
		objects = append(objects, decode(t, fmt.Sprintf(
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%02d, namespace: default}\ndata: {a: x}\n", i)))
	}
	plan, err := NewPlan(pointOf(t, objects...), target, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// What is as the plan says costs one list, and no request of its own.
func TestUnchangedObjectsAreReadByOneList(t *testing.T) {
	cluster, plan := newFaultyCluster(), manyPlan(t, 20)
	if _, err := Apply(t.Context(), plan, cluster, nil); err != nil {
		t.Fatal(err)
	}
	if cluster.lists != 0 || cluster.reads != 0 {
		t.Errorf("into an empty target: %d lists, %d reads", cluster.lists, cluster.reads)
	}
	changed := appbur.ObjectID{Kind: "ConfigMap", Namespace: "default", Name: "c07"}
	cluster.objects[changed].content = with(cluster.objects[changed].content, "changed", "data", "a")

	report, err := Apply(t.Context(), plan, cluster, nil)
	if err != nil || report.Counts != (Counts{Unchanged: 19, Configured: 1}) {
		t.Fatalf("%s, %v", report.Counts, err)
	}
	if own := cluster.reads - 20; cluster.lists != 1 || own != 1 { // those that made the list are counted, too
		t.Errorf("%d lists, %d reads of single objects; want one of each", cluster.lists, own)
	}

	cluster.lists, cluster.reads = 0, 0
	findings, err := Verify(t.Context(), plan, cluster, manifest.Default(), nil)
	if err != nil || len(findings.Findings) > 0 || findings.Checked != 20 {
		t.Errorf("%d checked, %v, %v", findings.Checked, findings.Findings, err)
	}
	if cluster.lists != 1 || cluster.reads != 20+1 { // and the namespace
		t.Errorf("verify: %d lists, %d reads", cluster.lists, cluster.reads)
	}
}

// A list that fails costs time and nothing else.
func TestWhatAListDoesNotShowIsReadByItself(t *testing.T) {
	cluster, plan := newFaultyCluster(), manyPlan(t, 20)
	if _, err := Apply(t.Context(), plan, cluster, nil); err != nil {
		t.Fatal(err)
	}
	cluster.shown = 5
	report, err := Apply(t.Context(), plan, cluster, nil)
	if err != nil || report.Counts != (Counts{Unchanged: 20}) {
		t.Errorf("%s, %v", report.Counts, err)
	}
	findings, err := Verify(t.Context(), plan, cluster, manifest.Default(), nil)
	if err != nil || len(findings.Findings) > 0 || findings.Checked != 20 {
		t.Errorf("%d checked, %v, %v", findings.Checked, findings.Findings, err)
	}
	if cluster.lists != 2 || cluster.reads != 2*20+1 { // five by the list, fifteen by themselves, and the namespace
		t.Errorf("%d lists, %d reads", cluster.lists, cluster.reads)
	}
}

// What a complete list does not show is not there, and needs no request to prove it.
func TestMissingObjectsAreSeenInOneList(t *testing.T) {
	cluster, plan := newFaultyCluster(), manyPlan(t, 20)
	findings, err := Verify(t.Context(), plan, cluster, manifest.Default(), nil)
	if err != nil || findings.Checked != 20 || len(findings.Findings) != 20 || findings.Findings[0].Kind != FindingMissing {
		t.Errorf("%d checked, %v, %v", findings.Checked, findings.Findings, err)
	}
	if cluster.lists != 1 || cluster.reads > 1 {
		t.Errorf("%d lists, %d reads", cluster.lists, cluster.reads)
	}
}
