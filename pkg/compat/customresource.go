package compat

import (
	"fmt"
	"slices"
	"strings"
)

const ruleCustomVersion = "custom-resource-version"

// rewriteCustom judges kinds that Kubernetes itself never had.
func rewriteCustom(obj map[string]any, from GroupVersionKind, t Target) (map[string]any, Verdict) {
	gk := from.GroupKind()
	served := t.Versions(from.Group, from.Kind)
	same := t.Serves(from.Group, from.Version, from.Kind) == Yes

	renames := renamesVersions(t, gk) == Yes
	switch {
	case same && renames:
		others := slices.DeleteFunc(served, func(version string) bool { return version == from.Version })
		return chooseVersion(obj, from, append([]string{from.Version}, others...), t)
	case same:
		return chooseVersion(obj, from, []string{from.Version}, t)
	case len(served) == 0:
		return nil, Verdict{
			Kind:   Unknown,
			Reason: fmt.Sprintf("nothing known of the target defines %s", gk),
			Hint:   "restore its CustomResourceDefinition too, or install the operator that brings it",
		}
	case renames:
		return chooseVersion(obj, from, served, t)
	default:
		return nil, Verdict{
			Kind: Blocked,
			Reason: fmt.Sprintf("the target serves %s at %s, not at %s, and only its operator can convert", gk, strings.Join(served, ", "),
				from.Version),
			Hint: fmt.Sprintf("take a restore point while %s is the storage version, or install an operator release that still serves %s",
				served[0], from.Version),
		}
	}
}

// chooseVersion takes the first version whose schema has nothing against the object,
// and the first of all when there is none. Versions that differ in name alone may have
// schemas of their own: the source accepted the object at the version at which it was
// written, which need not be the one at which it was read.
func chooseVersion(obj map[string]any, from GroupVersionKind, versions []string, t Target) (map[string]any, Verdict) {
	at := func(version string) map[string]any {
		renamed := cloneObject(obj)
		renamed["apiVersion"] = GroupVersionKind{Group: from.Group, Version: version}.APIVersion()
		return renamed
	}
	schemas := schemasOf(t)
	chosen, object := versions[0], at(versions[0])
	first := schemas.Check(object)
	opinion := first
	if len(first.Object) > 0 {
		for _, version := range versions[1:] {
			if other, o := at(version), schemas.Check(at(version)); o.Known && len(o.Object) == 0 {
				chosen, object, opinion = version, other, o
				break
			}
		}
	}

	e := &edit{object: object, target: t, rule: ruleCustomVersion}
	to := GroupVersionKind{Group: from.Group, Version: chosen, Kind: from.Kind}
	switch {
	case chosen != versions[0]:
		e.changed("apiVersion", fmt.Sprintf("%s becomes %s: the versions of this CRD differ in name alone, and %s refuses it (%s)",
			from.APIVersion(), to.APIVersion(), versions[0], first.Object[0]))
	case chosen != from.Version:
		e.changed("apiVersion", fmt.Sprintf("%s becomes %s: the versions of this CRD differ in name alone", from.APIVersion(), to.APIVersion()))
	}
	e.noteOpinion(opinion)
	verdict := Verdict{APIVersion: to.APIVersion()}
	if chosen == from.Version {
		verdict.Kind, verdict.Reason = Served, fmt.Sprintf("%s is served", from)
	}
	object, verdict = conclude(e, verdict)
	return object, refusedBy(opinion, to, verdict)
}

// renameCustom gives a custom resource the version of its verdict. It uses no schema
// again: large objects are judged once.
func renameCustom(obj map[string]any, from GroupVersionKind, v Verdict, t Target) (map[string]any, error) {
	to, ok := GVKOf(map[string]any{"apiVersion": v.APIVersion, "kind": from.Kind})
	served := ok && to.Group == from.Group && t.Serves(to.Group, to.Version, to.Kind) == Yes
	if !served || to != from && renamesVersions(t, from.GroupKind()) != Yes {
		return nil, fmt.Errorf("%w: it says %s %q of %s", ErrOtherVerdict, v.Kind, v.APIVersion, from)
	}

	out := cloneObject(obj)
	out["apiVersion"] = v.APIVersion
	return out, nil
}
