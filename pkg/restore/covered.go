package restore

import (
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// CoveredKind is a kind that was read completely for a restore point, so that what the point
// lacks of it was not there, or was left out by a rule.
type CoveredKind struct {
	APIVersion string
	Kind       string
	Namespaced bool
}

// coveredKind is a kind as the target serves it.
type coveredKind struct {
	typeKey
	namespaced bool
}

// coveredBy returns the kinds that the point covers and that the target serves, at the version
// that the target prefers.
func coveredBy(p Point, t compat.Target) []coveredKind {
	var covered []coveredKind
	for _, kind := range p.Covered {
		group := groupOf(kind.APIVersion)
		versions := t.Versions(group, kind.Kind)
		if len(versions) == 0 {
			continue
		}
		apiVersion := strings.TrimPrefix(group+"/"+versions[0], "/")
		covered = append(covered, coveredKind{typeKey{apiVersion, kind.Kind}, kind.Namespaced})
	}
	return covered
}

func (k typeKey) groupKind() appbur.GroupKind {
	return appbur.GroupKind{Group: groupOf(k.apiVersion), Kind: k.kind}
}
