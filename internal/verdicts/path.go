package verdicts

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// Step is one release on the way from one to another, and what happens there.
type Step struct {
	Release appbur.KubeVersion `json:"release"`
	Events  []Event            `json:"events"`
}

// Event is what becomes of an object at a release, where it became something else.
type Event struct {
	Object     string         `json:"object"`
	APIVersion string         `json:"apiVersion"`
	File       string         `json:"file,omitempty"`
	Line       int            `json:"line,omitempty"`
	Verdict    compat.Verdict `json:"verdict"`
	// Before is what to do before this step, and empty where nothing can be done.
	Before string `json:"before,omitempty"`
}

// Releases lists every minor release from one to another, both included.
func Releases(from, to appbur.KubeVersion) (list []appbur.KubeVersion) {
	for minor := from.Minor; minor <= to.Minor; minor++ {
		list = append(list, appbur.KubeVersion{Major: to.Major, Minor: minor})
	}
	return list
}

// Path tells at which of consecutive releases something happens to objects that were judged for all of them. The first is
// the release that they come from: what is wrong with them there already is its step.
func Path(releases []appbur.KubeVersion, judged []Judged) []Step {
	steps := make([]Step, len(releases))
	for i, release := range releases {
		steps[i] = Step{Release: release, Events: []Event{}}
		for _, j := range judged {
			before := compat.Verdict{Kind: compat.Served, APIVersion: j.APIVersion}
			if i > 0 {
				before = j.For[i-1]
			}
			now := j.For[i]
			// What is not known at the beginning is not known at the end either: the report says so.
			if sameFate(before, now) || now.Kind == compat.Unknown {
				continue
			}
			steps[i].Events = append(steps[i].Events, Event{
				Object: j.ID.String(), APIVersion: j.APIVersion, File: j.File, Line: j.Line, Verdict: now, Before: beforeStep(j, now, release),
			})
		}
		slices.SortStableFunc(steps[i].Events, func(a, b Event) int {
			return cmp.Or(Rank(b.Verdict.Kind)-Rank(a.Verdict.Kind), cmp.Compare(a.Object, b.Object))
		})
	}
	return steps
}

// Rank orders kinds of verdicts from good to bad.
func Rank(kind compat.VerdictKind) int {
	return slices.Index([]compat.VerdictKind{compat.Served, compat.Convertible, compat.Unknown, compat.Lossy, compat.Refused, compat.Blocked},
		kind)
}

// sameFate reports whether nothing new happens to an object. Reasons name the release, so they always differ.
func sameFate(a, b compat.Verdict) bool {
	same := func(x, y compat.Change) bool { return x.Rule == y.Rule && x.Path == y.Path && x.Lost == y.Lost }
	return a.Kind == b.Kind && a.APIVersion == b.APIVersion && slices.EqualFunc(a.Changes, b.Changes, same) &&
		slices.EqualFunc(a.Notices, b.Notices, same) && slices.Equal(a.Refusals, b.Refusals)
}

// beforeStep is what to do about it before the step.
func beforeStep(j Judged, v compat.Verdict, release appbur.KubeVersion) string {
	if v.Hint != "" {
		return v.Hint
	}
	if !v.Creatable() || v.APIVersion == j.APIVersion {
		return ""
	}
	gvk, _ := compat.GVKOf(map[string]any{"apiVersion": v.APIVersion, "kind": j.ID.Kind})
	life, known := compat.Lifecycle(gvk)
	earlier := appbur.KubeVersion{Major: release.Major, Minor: release.Minor - 1}

	switch {
	case !known:
		return "have it written as " + v.APIVersion
	case earlier.AtLeast(life.Introduced.Major, life.Introduced.Minor):
		return fmt.Sprintf("have it written as %s, which Kubernetes %s serves already", v.APIVersion, earlier.MinorString())
	default:
		return fmt.Sprintf("nothing: %s comes with this release; have it written so right after the step", v.APIVersion)
	}
}
