package compat

import (
	"slices"

	"github.com/appbur/appbur"
)

// WithCRDs is t as it will be once the given CustomResourceDefinitions exist in
// it: those of a restore point. Kinds that t itself serves keep the versions that
// t serves, since the operator that is there knows better. CRDs may be of any
// version; malformed ones are ignored here and refused by the server later.
func WithCRDs(t Target, crds []map[string]any) Target {
	c := crdTarget{Target: t, kinds: map[appbur.GroupKind]customKind{}}
	for _, crd := range crds {
		if gk, kind, ok := readCRD(crd); ok {
			c.kinds[gk] = kind
		}
	}
	return c
}

// customKind is what a CRD says of its kind.
type customKind struct {
	served []string
	// renames is true when versions differ in name alone (conversion strategy
	// None): the server itself then converts by changing apiVersion.
	renames bool
}

type crdTarget struct {
	Target
	kinds map[appbur.GroupKind]customKind
}

func (t crdTarget) Serves(group, version, kind string) Answer {
	own := t.Target.Serves(group, version, kind)
	custom, ok := t.kinds[appbur.GroupKind{Group: group, Kind: kind}]
	switch {
	case own == Yes || !ok || len(t.Target.Versions(group, kind)) > 0:
		return own
	case slices.Contains(custom.served, version):
		return Yes
	default:
		return No
	}
}

func (t crdTarget) Versions(group, kind string) []string {
	if own := t.Target.Versions(group, kind); len(own) > 0 {
		return own
	}
	return slices.Clone(t.kinds[appbur.GroupKind{Group: group, Kind: kind}].served)
}

func (t crdTarget) renamesVersions(gk appbur.GroupKind) Answer {
	kind, ok := t.kinds[gk]
	switch {
	case !ok:
		return Unsure
	case kind.renames:
		return Yes
	default:
		return No
	}
}

func (t crdTarget) source() appbur.KubeVersion { return sourceOf(t.Target) }

func (t crdTarget) schemas() Schemas { return schemasOf(t.Target) }

func readCRD(crd map[string]any) (appbur.GroupKind, customKind, bool) {
	gvk, ok := GVKOf(crd)
	if !ok || gvk.GroupKind() != crdKind {
		return appbur.GroupKind{}, customKind{}, false
	}
	spec := mapAt(crd, "spec")
	gk := appbur.GroupKind{Group: stringAt(spec, "group"), Kind: stringAt(spec, "names", "kind")}

	var kind customKind
	for _, item := range listAt(spec, "versions") {
		if version, ok := item.(map[string]any); ok && version["served"] == true {
			kind.served = append(kind.served, stringAt(version, "name"))
		}
	}

	if len(kind.served) == 0 && stringAt(spec, "version") != "" { // v1beta1 shorthand
		kind.served = []string{stringAt(spec, "version")}
	}
	kind.served = sortedVersions(kind.served)
	strategy := stringAt(spec, "conversion", "strategy")
	kind.renames = strategy == "" || strategy == "None"
	return gk, kind, gk.Group != "" && gk.Kind != "" && len(kind.served) > 0
}

// WithSource is t with the knowledge of which release the objects come from.
// Some rewritings keep the meaning of an object only when its source is known:
// an RBAC rule for the group extensions granted something before 1.22 and
// nothing after.
func WithSource(t Target, source appbur.KubeVersion) Target {
	return sourcedTarget{Target: t, from: source}
}

type sourcedTarget struct {
	Target
	from appbur.KubeVersion
}

func (t sourcedTarget) source() appbur.KubeVersion { return t.from }

func (t sourcedTarget) renamesVersions(gk appbur.GroupKind) Answer {
	return renamesVersions(t.Target, gk)
}

func (t sourcedTarget) schemas() Schemas { return schemasOf(t.Target) }

// sourceOf returns the release that objects come from, zero when unknown.
func sourceOf(t Target) appbur.KubeVersion {
	if s, ok := t.(interface{ source() appbur.KubeVersion }); ok {
		return s.source()
	}
	return appbur.KubeVersion{}
}

// renamesVersions says whether the versions of a custom kind differ in name alone.
func renamesVersions(t Target, gk appbur.GroupKind) Answer {
	if r, ok := t.(interface {
		renamesVersions(gk appbur.GroupKind) Answer
	}); ok {
		return r.renamesVersions(gk)
	}
	return Unsure
}
