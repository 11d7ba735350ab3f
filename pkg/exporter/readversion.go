package exporter

import (
	"slices"

	"k8s.io/apimachinery/pkg/version"

	"github.com/appbur/appbur/pkg/compat"
)

// Custom resources are read at their storage version where it is served: it has every
// field that is stored, and no webhook is involved. Where versions differ in name
// alone (conversion strategy None) they may still have schemas of their own, and the
// server prunes what it reads by that of the requested version. What was stored
// at an earlier storage version can then have fields that the present one does not: such
// a kind is read at a version that keeps them all.
//
// The choice depends on nothing but the definition, so that files do not change back
// and forth: it moves when the definition does.

// losslessVersions finds the served versions that keep everything which any version
// keeps that objects may be stored at.
func losslessVersions(crd, spec map[string]any, versions []any) (lossless []string, lossy bool) {
	conversion, _ := spec["conversion"].(map[string]any)
	if strategy, set := conversion["strategy"]; len(versions) < 2 || set && strategy != "None" || spec["preserveUnknownFields"] == true {
		return nil, false
	}
	schemas := make(map[string]map[string]any)
	var served, stored []string
	for _, each := range versions {
		v, _ := each.(map[string]any)
		name, _ := v["name"].(string)
		validation, _ := v["schema"].(map[string]any)
		schemas[name], _ = validation["openAPIV3Schema"].(map[string]any)
		if v["served"] == true {
			served = append(served, name)
		}
		if v["storage"] == true {
			stored = append(stored, name)
		}
	}
	status, _ := crd["status"].(map[string]any)
	earlier, _ := status["storedVersions"].([]any)
	for _, each := range earlier {
		if name, _ := each.(string); name != "" && !slices.Contains(stored, name) {
			stored = append(stored, name)
		}
	}

	for _, at := range served {
		loses := func(name string) bool { return name != at && !compat.Keeps(schemas[at], schemas[name]) }
		if !slices.ContainsFunc(stored, loses) {
			lossless = append(lossless, at)
		}
	}
	return lossless, len(lossless) == 0 && len(served) > 0
}

// readAt is the version to read a custom kind at, "" when its definition does not say
// and the most stable one is as good as any.
func (d definition) readAt() string {
	storedServed := slices.Contains(d.versions, d.stored)
	if storedServed && (len(d.lossless) == 0 || slices.Contains(d.lossless, d.stored)) {
		return d.stored
	}
	if len(d.lossless) == 0 {
		return ""
	}
	return slices.MaxFunc(d.lossless, version.CompareKubeAwareVersionStrings)
}

// tellLossy says, once, of which kinds fields may be missing in what is read, whatever
// the version.
func (e *Exporter) tellLossy(w *witnesses) {
	for resource, d := range w.definitions {
		if !d.lossy || !d.established {
			continue
		}
		if _, logged := e.lossyLogged.LoadOrStore(resource, true); !logged {
			e.options.Log.Warn("no served version of a custom kind has all fields of the versions that its objects may be stored at, and what the "+
				"server leaves out is not saved: migrate the objects to one version, or serve one that has all fields", "type", resource.String())
		}
	}
}
