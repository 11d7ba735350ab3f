package capture

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

// saved is a writer that holds kinds.
type saved struct {
	kinds   []repository.SavedKind
	removed []string
}

func (s *saved) Put(manifest.Result) error { return nil }

func (s *saved) KeepOnly(gk appbur.GroupKind, present map[string]struct{}) error {
	if len(present) == 0 {
		s.removed = append(s.removed, gk.String())
	}
	return nil
}

func (s *saved) KindsBeside(appbur.Coverage) ([]repository.SavedKind, error) { return s.kinds, nil }

// proofs answer by kind.
type proofs map[string]exporter.Absence

func (p proofs) Absent(_ context.Context, kinds []schema.GroupVersionKind, _ appbur.Coverage) ([]exporter.Absence, error) {
	answers := make([]exporter.Absence, 0, len(kinds))
	for _, kind := range kinds {
		answer, ok := p[kind.Kind]
		if !ok {
			return nil, errors.New("no answer")
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

func kind(group, version, name string) repository.SavedKind {
	return repository.SavedKind{GroupKind: appbur.GroupKind{Group: group, Kind: name}, Version: version, Namespaced: true, Files: 3}
}

func TestForgetKinds(t *testing.T) {
	s := &saved{kinds: []repository.SavedKind{
		kind("", "v1", "ConfigMap"), kind("apps", "v1", "Deployment"),
		kind("example.org", "v1", "Thing"), kind("example.org", "v1", "Other"),
	}}
	source := proofs{
		"ConfigMap": {Reason: "v1 is registered"}, "Deployment": {Reason: "apps/v1 is registered"},
		"Thing": {Gone: true, Reason: "deleted"}, "Other": {Reason: "still defined"},
	}
	before := appbur.Coverage{
		Types:  []appbur.TypeCoverage{{Group: "batch", Version: "v1", Resource: "jobs", Kind: "Job", Complete: true}},
		Groups: []appbur.GroupFailure{{GroupVersion: "*", Reason: "no definitions"}, {GroupVersion: "apps/v1", Reason: "it blinks"}},
	}
	types := slices.Clone(before.Types)
	after, err := ForgetKinds(t.Context(), source, s, before)
	if err != nil {
		t.Fatal(err)
	}
	const unproven = "discovery does not list it, and nothing proves that it is gone: "
	want := []appbur.TypeCoverage{
		{Version: "v1", Kind: "ConfigMap", Namespaced: true, Reason: unproven + "v1 is registered"},
		{Group: "apps", Version: "v1", Kind: "Deployment", Namespaced: true, Reason: "it blinks"},
		types[0],
		{Group: "example.org", Version: "v1", Kind: "Other", Namespaced: true, Reason: unproven + "still defined"},
	}
	if diff := cmp.Diff(want, after.Types); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Thing.example.org"}, s.removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(types, before.Types); diff != "" {
		t.Errorf("the caller's coverage changed:\n%s", diff)
	}

	s = &saved{kinds: []repository.SavedKind{kind("", "v1", "Unknown")}}
	if _, err := ForgetKinds(t.Context(), source, s, before); err == nil || len(s.removed) > 0 {
		t.Errorf("without an answer: removed %v, %v", s.removed, err)
	}
}
