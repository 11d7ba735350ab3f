package restore

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	fielderrors "k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

func immutable() error {
	return apierrors.NewInvalid(schema.GroupKind{Kind: "ConfigMap"}, "settings", fielderrors.ErrorList{
		fielderrors.Forbidden(fielderrors.NewPath("data"), "field is immutable when `immutable` is set"),
	})
}

// fixedHamlet has settings that differ from the point, and that can only be created.
func fixedHamlet(t *testing.T, more ...string) hamlet {
	t.Helper()
	h := newHamlet(t, append(more, strings.Replace(hamletSettings, "a: b", "a: c", 1))...)
	settings := appbur.ObjectID{Kind: "ConfigMap", Namespace: "v", Name: "settings"}
	h.fault = func(r Request, _ int) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		if r.Object == settings && h.objects[settings] != nil {
			return immutable()
		}
		return nil
	}
	return h
}

// What cannot be changed is deleted and created again as the plan says, and once only.
func TestWhatCannotBeChangedIsReplaced(t *testing.T) {
	h := fixedHamlet(t)
	if report, err := Apply(t.Context(), h.plan, h, nil); err == nil || report.Counts.Failed != 1 {
		t.Errorf("without being asked to: %v, %+v", err, report.Counts)
	}
	if err := Replace(t.Context(), h.plan, h, manifest.Default()); err != nil {
		t.Fatal(err)
	}
	report, err := Apply(t.Context(), h.plan, h, nil)
	if o := outcomeOf(t, report, "ConfigMap/v/settings"); err != nil || o.Result != Configured || len(o.Notes) != 1 {
		t.Errorf("%v, %+v", err, o)
	}
	if report, err = Apply(t.Context(), h.plan, h, nil); err != nil || report.Counts.Configured > 0 {
		t.Errorf("a second run: %v, %+v", err, report.Counts)
	}
}

// An object of another uid than in the plan is not replaced.
func TestAnotherObjectIsNotReplaced(t *testing.T) {
	h := fixedHamlet(t)
	if err := Replace(t.Context(), h.plan, h, manifest.Default()); err != nil {
		t.Fatal(err)
	}
	settings := appbur.ObjectID{Kind: "ConfigMap", Namespace: "v", Name: "settings"}
	h.objects[settings].identity.UID = "other"
	report, err := Apply(t.Context(), h.plan, h, nil)
	if o := outcomeOf(t, report, settings.String()); err == nil || o.Result != Failed || h.objects[settings].identity.UID != "other" {
		t.Errorf("%v, %+v", err, o)
	}
}

// What owns something that nobody makes again is not replaced, and the plan says why.
func TestOwnersOfWhatNobodyMakesAgainAreNotReplaced(t *testing.T) {
	h := fixedHamlet(t, owned(hamletLake, "ConfigMap/v/settings"))
	if err := Replace(t.Context(), h.plan, h, manifest.Default()); err != nil {
		t.Fatal(err)
	}
	for _, step := range h.plan.Steps {
		if step.Details().Replaces != nil {
			t.Errorf("%s is replaced", step.Object)
		}
	}
	if len(h.plan.Notes) != 1 || !strings.Contains(h.plan.Notes[0].What, "it owns Lake.example.org/v/l, which would be deleted with it") {
		t.Errorf("%v", h.plan.Notes)
	}
}

// What is left to the new object, and what goes with the old one.
func TestWhatAReplacedObjectOwnsStaysWhereItIsFoundAgain(t *testing.T) {
	deployment := func(app string) map[string]any {
		return decode(t, `{spec: {selector: {matchLabels: {app: `+app+`}}}}`)
	}
	for name, test := range map[string]struct {
		kind       appbur.GroupKind
		live, want string
		orphans    bool
	}{
		"the same selector":  {appbur.GroupKind{Group: "apps", Kind: "Deployment"}, "web", "web", true},
		"another selector":   {appbur.GroupKind{Group: "apps", Kind: "Deployment"}, "old", "web", false},
		"a job":              {appbur.GroupKind{Group: "batch", Kind: "Job"}, "web", "web", false},
		"a custom resource":  {appbur.GroupKind{Group: "example.org", Kind: "Lake"}, "old", "web", true},
		"a service":          {kindService, "web", "web", false},
		"a set by a default": {kindStatefulSet, "web", "web", true},
	} {
		one := Unchangeable{
			Object: appbur.ObjectID{Group: test.kind.Group, Kind: test.kind.Kind, Name: "x"},
			step:   &Step{Content: ContentOf(deployment(test.want))}, live: deployment(test.live),
		}
		if one.orphans() != test.orphans {
			t.Errorf("%s: %v", name, !test.orphans)
		}
	}
}
