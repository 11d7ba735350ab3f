//go:build integration && unix

package compat

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster/kubebuild"
)

// TestMatrixReplacedCRDs replaces definitions on servers, by dry run: what ReplaceCRD calls refused they refuse, and all
// else they take.
func TestMatrixReplacedCRDs(t *testing.T) {
	eachServer(t, func(t *testing.T, v appbur.KubeVersion, binaries kubebuild.Binaries) {
		s := askMatrixServer(t, startMatrixServer(t, v, binaries))
		live, err := s.create(t.Context(), widgetCRD(t, "v1alpha1 served storage +colour, v1 served +colour", ""))
		if err != nil {
			t.Fatal(err)
		}
		for name, replacing := range map[string]map[string]any{
			"drops what is stored":   widgetCRD(t, "v1 served storage +colour", ""),
			"stores another version": widgetCRD(t, "v1alpha1 served, v1 served storage +colour", ""),
			"serves less":            widgetCRD(t, "v1alpha1 storage +colour, v1 served +colour", ""),
			"keeps less":             widgetCRD(t, "v1alpha1 served storage, v1 served", ""),
		} {
			next := &unstructured.Unstructured{Object: replacing}
			refusal := errors.New("not asked yet")
			for tried := false; !tried || apierrors.IsConflict(refusal); tried = true { // the server writes the status of a new one
				if live, err = s.resource(t, next).Get(t.Context(), next.GetName(), metav1.GetOptions{}); err != nil {
					t.Fatal(err)
				}
				next.SetResourceVersion(live.GetResourceVersion())
				_, refusal = s.resource(t, next).Update(t.Context(), next, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
			}
			if refusal != nil && !apierrors.IsInvalid(refusal) {
				t.Fatal(refusal)
			}
			if got := ReplaceCRD(live.Object, replacing); (len(got.Refused) > 0) != (refusal != nil) {
				t.Errorf("%s: refused for %v, the server says: %v", name, got.Refused, refusal)
			}
		}
	})
}
