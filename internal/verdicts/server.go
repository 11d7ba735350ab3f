package verdicts

import (
	"fmt"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/findings"
	"github.com/appbur/appbur/pkg/compat"
)

const (
	ruleServerRefuses = "server-refuses"
	ruleServerTakes   = "server-takes"
	ruleServerWarns   = "server-warns"
)

// Agree reports whether a server says of an object what the table does.
func Agree(origin Origin, j Judged, v compat.Verdict, answer Answer) bool {
	switch answer.Kind {
	case Unasked:
		return true
	case Accepted:
		return v.Kind == compat.Unknown || Takes(origin, j, v)
	default:
		return !Takes(origin, j, v)
	}
}

// Takes reports whether a server of the version takes the object as it is sent, by the table.
func Takes(origin Origin, j Judged, v compat.Verdict) bool {
	if v.Kind != compat.Served && v.Kind != compat.Convertible && v.Kind != compat.Lossy {
		return false
	}
	return origin != Manifests || v.APIVersion == j.APIVersion &&
		!slices.ContainsFunc(v.Changes, func(c compat.Change) bool { return slices.Contains(refusedOnCreate, c.Rule) })
}

// Disagreement is the finding on what a server says, where that is something else than what the table says.
func Disagreement(origin Origin, release appbur.KubeVersion, j Judged, v compat.Verdict, answer Answer) (list []findings.Finding) {
	f := findings.Finding{
		Subject: j.ID.String(), Detail: release.MinorString(), File: j.File, Line: j.Line, Reason: "the table says " + string(v.Kind),
	}
	switch {
	case Agree(origin, j, v, answer) && (v.Kind != compat.Unknown || answer.Kind != Rejected):
	case answer.Kind == Accepted:
		f.Rule, f.Level = ruleServerTakes, findings.Warning
		f.Message = fmt.Sprintf("Kubernetes %s takes it in a dry run", release)
		list = append(list, f)
	default:
		f.Rule, f.Level = ruleServerRefuses, findings.Error
		f.Message = fmt.Sprintf("Kubernetes %s refuses it in a dry run: %s", release, answer.Said)
		list = append(list, f)
	}

	for _, warning := range answer.Warnings {
		list = append(list, findings.Finding{
			Rule: ruleServerWarns, Level: findings.Note, Subject: f.Subject, Detail: warning, File: j.File, Line: j.Line,
			Message: fmt.Sprintf("Kubernetes %s warns: %s", release.MinorString(), warning),
		})
	}
	return list
}
