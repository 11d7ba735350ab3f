package compat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// Judge says whether the target can hold the object, at which version, and what
// has to change. It does not modify obj.
func Judge(obj map[string]any, t Target) Verdict {
	_, verdict := rewrite(obj, t)
	return verdict
}

// Convert returns the object as the target takes it, by the verdict that [Judge]
// gave. The result shares nothing with obj. Converting a result again changes
// nothing.
func Convert(obj map[string]any, v Verdict, t Target) (map[string]any, error) {
	if from, ok := GVKOf(obj); ok && v.Creatable() && !builtIn(from.GroupKind()) {
		return renameCustom(obj, from, v, t)
	}
	out, now := rewrite(obj, t)
	if now.Kind != v.Kind || now.APIVersion != v.APIVersion {
		return nil, fmt.Errorf("%w: it says %s %q, the object is %s %q", ErrOtherVerdict, v.Kind, v.APIVersion, now.Kind, now.APIVersion)
	}
	switch v.Kind {
	case Served, Convertible, Lossy, Refused:
		return out, nil
	case Blocked:
		return nil, hinted(fmt.Errorf("%w: %s", ErrBlocked, v.Reason), v.Hint)
	default:
		return nil, hinted(fmt.Errorf("%w: %s", ErrUnknown, v.Reason), v.Hint)
	}
}

func hinted(err error, hint string) error {
	if hint == "" {
		return err
	}
	return appbur.WithHint(err, hint)
}

// rewrite is the one path behind Judge and Convert, so that they cannot disagree.
// An object on which a rule trips over its own feet is blocked, alone.
func rewrite(obj map[string]any, t Target) (out map[string]any, v Verdict) {
	err := appbur.Guard(func() error {
		out, v = rewriteAny(obj, t)
		return nil
	})
	if err != nil {
		return nil, Verdict{Kind: Blocked, Reason: err.Error(), Hint: appbur.HintOf(err)}
	}
	return out, v
}

func rewriteAny(obj map[string]any, t Target) (map[string]any, Verdict) {
	from, ok := GVKOf(obj)
	if !ok {
		return nil, Verdict{Kind: Unknown, Reason: "the object has no valid apiVersion and kind"}
	}
	if !builtIn(from.GroupKind()) {
		return rewriteCustom(obj, from, t)
	}
	path, verdict := route(from, t)
	if verdict.Kind != Served {
		return nil, verdict
	}

	e := &edit{object: cloneObject(obj), target: t}
	for _, step := range path {
		e.rule = step.rule
		if step.apply != nil {
			step.apply(e)
		}
		e.object["apiVersion"] = step.to.APIVersion()
	}

	if len(path) > 0 {
		e.changes = slices.Insert(e.changes, 0, Change{
			Rule: "api-version", Path: "apiVersion",
			What: fmt.Sprintf("%s becomes %s", from.APIVersion(), verdict.APIVersion),
		})
	}
	applyFixups(e)
	return conclude(e, verdict)
}

// conclude turns what was done into a verdict.
func conclude(e *edit, v Verdict) (map[string]any, Verdict) {
	v.Changes, v.Notices = e.changes, e.notices
	lost := slices.ContainsFunc(v.Changes, func(c Change) bool { return c.Lost })
	switch {
	case e.blocked != nil:
		v.Kind, v.APIVersion, v.Reason, v.Hint = Blocked, "", e.blocked.reason, e.blocked.hint
		return nil, v
	case lost:
		v.Kind, v.Reason = Lossy, fmt.Sprintf("can be created at %s, not everything has a place there", v.APIVersion)
	case len(v.Changes) > 0:
		v.Kind, v.Reason = Convertible, fmt.Sprintf("can be created at %s after %s", v.APIVersion, counted(len(v.Changes), "change"))
	}
	return e.object, v
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// route finds the version to create a built-in object at and the conversions on
// the way there. The verdict is Served when there is a way, and final otherwise.
func route(from GroupVersionKind, t Target) ([]conversion, Verdict) {
	own := t.Serves(from.Group, from.Version, from.Kind)
	if own == Yes {
		return nil, Verdict{Kind: Served, APIVersion: from.APIVersion(), Reason: fmt.Sprintf("%s is served", from)}
	}
	var best []conversion
	unsure := own == Unsure

	for _, path := range reachable(from) {
		to := path[len(path)-1].to
		switch t.Serves(to.Group, to.Version, to.Kind) {
		case Yes:
			if best == nil || CompareVersions(to.Version, best[len(best)-1].to.Version) > 0 {
				best = path
			}
		case Unsure:
			unsure = true
		case No:
		}
	}

	switch {
	case best != nil:
		return best, Verdict{Kind: Served, APIVersion: best[len(best)-1].to.APIVersion()}
	case unsure:
		return nil, Verdict{
			Kind:   Unknown,
			Reason: fmt.Sprintf("%s is not on by default in Kubernetes %s", from, t.Version().MinorString()),
			Hint:   "plan against the cluster itself instead of against a version",
		}
	default:
		return nil, blockedBy(from, t)
	}
}

// blockedBy explains a built-in type that the target does not serve and that
// nothing converts.
func blockedBy(from GroupVersionKind, t Target) Verdict {
	release := t.Version().MinorString()
	v := Verdict{Kind: Blocked, Reason: fmt.Sprintf("Kubernetes %s does not serve %s", release, from)}

	life, known := Lifecycle(from)
	switch {
	case known && !life.Introduced.IsZero() && !reached(t.Version(), life.Introduced):
		v.Reason = fmt.Sprintf("%s exists since Kubernetes %s, the target is %s", from, life.Introduced.MinorString(), release)
		if served := t.Versions(from.Group, from.Kind); len(served) > 0 {
			v.Hint = fmt.Sprintf("the target serves %s; restore into a newer cluster, or write the object by hand", strings.Join(served, ", "))
		} else {
			v.Hint = "restore into a newer cluster"
		}
	case known && reached(t.Version(), life.Removed):
		v.Reason = fmt.Sprintf("%s was removed in Kubernetes %s, the target is %s", from, life.Removed.MinorString(), release)
		v.Hint = "leave the object out, and replace what it did by hand"
		if end, ok := endings[from.GroupKind()]; ok {
			v.Reason += ": " + end.reason
			v.Hint = end.hint
		}
	case known:
		v.Hint = "turn the API on in the target (--runtime-config), or leave the object out"
	}

	return v
}
