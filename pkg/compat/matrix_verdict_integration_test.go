//go:build integration && unix

package compat

import (
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster/kubebuild"
)

// TestMatrixVerdicts judges manifests for each release by the table, and has a server of that release say by a dry run
// whether it takes them as they are: what is served it must take, and what is blocked, or created in another version, it
// must refuse. A refusal of what the table calls served is a miss; the other way around it is a false alarm.
func TestMatrixVerdicts(t *testing.T) {
	manifests := publicManifests(t)
	eachServer(t, func(t *testing.T, v appbur.KubeVersion, binaries kubebuild.Binaries) {
		s := askMatrixServer(t, startMatrixServer(t, v, binaries))
		counts := map[VerdictKind]int{}

		for _, m := range manifests {
			verdict := Judge(m.object, TableTarget(v))
			counts[verdict.Kind]++
			_, refusal := s.create(t.Context(), m.object, metav1.DryRunAll)
			if apierrors.IsAlreadyExists(refusal) {
				refusal = nil // the server made one of this name itself
			}
			gvk, _ := GVKOf(m.object)

			switch renamed := verdict.APIVersion != gvk.APIVersion(); {
			case verdict.Kind == Served && refusal != nil:
				t.Errorf("a miss: %s: %s is called served, and refused: %v", m.name, gvk, refusal)
			case renamed && refusal == nil:
				t.Errorf("a false alarm: %s: %s is called %s (%s), and the server takes it", m.name, gvk, verdict.Kind, verdict.Reason)
			case verdict.Creatable():
				s.takes(t, m, verdict)
			}
		}
		t.Logf("%d manifests: %v", len(manifests), counts)
	})
}

// takes has the server take, as a dry run, what a manifest becomes.
func (a *asking) takes(t *testing.T, m oldObject, verdict Verdict) {
	t.Helper()
	converted, err := Convert(m.object, verdict, TableTarget(a.version))
	if err != nil {
		t.Errorf("%s: %v", m.name, err)
		return
	}
	if _, err := a.create(t.Context(), converted, metav1.DryRunAll); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Errorf("a miss: %s is called %s, and what it becomes is refused: %v", m.name, verdict.Kind, err)
	}
}

// publicManifests reads testdata/manifests.yaml, whose documents are written for this test in the shapes of public ones,
// and the inputs of conversions in testdata/conversions.yaml.
func publicManifests(t *testing.T) []oldObject {
	t.Helper()
	var manifests []oldObject
	for i, object := range documents(t, "testdata/manifests.yaml") {
		manifests = append(manifests, oldObject{fmt.Sprintf("manifests.yaml %d, %s", i+1, stringAt(object, "metadata", "name")), object})
	}
	for _, old := range oldObjects(t) {
		if specialShape[old.name] == "" {
			manifests = append(manifests, old)
		}
	}
	return manifests
}

// specialShape are golden files that a server refuses by default for another reason than their version: a field or a
// value that needs a feature. Built-in objects are judged by their versions, the server validates the rest.
var specialShape = map[string]string{
	"a-v2beta1-autoscaler-gets-identifiers-targets-and-behavior": "the metric of a container needs HPAContainerMetrics until 1.26",
	"a-v1beta3-priority-level-that-means-zero-keeps-zero":        "zero shares need ZeroLimitedNominalConcurrencyShares in 1.29",
}
