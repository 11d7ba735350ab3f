package verdicts

import (
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/findings"
	"github.com/appbur/appbur/pkg/compat"
)

// Origin is where objects were read, which decides what is wrong with them.
type Origin string

// The origins.
const (
	// Point objects are converted when they are restored.
	Point Origin = "restore point"
	// Live objects are converted by their own server when it is upgraded, and by a restore.
	Live Origin = "cluster"
	// Manifests are sent to a server as they are written: nobody converts them.
	Manifests Origin = "manifests"
)

// The ids of rules about objects. crd-, client- and helm- are those of what surrounds them.
const (
	ruleRemoved    = "api-removed"
	ruleDeprecated = "api-deprecated"
	ruleBlocked    = "object-blocked"
	ruleRefused    = "object-refused"
	ruleLossy      = "object-lossy"
	ruleUnknown    = "object-unknown"
	ruleConverted  = "object-converted"
	ruleNotice     = "object-notice"
	// RuleUnrendered is for charts and templates whose objects nobody saw.
	RuleUnrendered = "helm-unrendered"
)

const guide = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"

// Rules describes them.
var Rules = []findings.Rule{
	{
		ID: ruleRemoved, Title: "The API version is not served any more",
		Why: "A server of this release answers that it does not know the type.", Link: guide,
	},
	{
		ID: ruleDeprecated, Title: "The API version will be removed",
		Why: "It is served, a later release that is already known will not serve it.", Link: guide,
	},
	{
		ID: ruleBlocked, Title: "The object cannot be created",
		Why: "There is no such type in this release, and nothing that it could become.", Link: guide,
	},
	{ID: ruleRefused, Title: "The schema of its kind refuses the object", Why: "A server validates new objects by their definition."},
	{ID: ruleLossy, Title: "Something of the object has no place any more", Why: "It can be created, and what is listed would be lost."},
	{ID: ruleUnknown, Title: "The object cannot be judged", Why: "Neither Kubernetes nor a definition that was given knows the type."},
	{
		ID: ruleConverted, Title: "The object has to be changed",
		Why: "A restore changes it by itself; a server refuses or ignores what is written.",
	},
	{ID: ruleNotice, Title: "Something in the object may no longer work", Why: "The server accepts it."},
	{
		ID: RuleUnrendered, Title: "A chart was not rendered", Why: "What its templates make depends on values, so it was not judged.",
		Link: "https://helm.sh/docs/helm/helm_template/",
	},
	{
		ID: ruleServerRefuses, Title: "A server refuses the object",
		Why: "A dry run was refused, although the table knows nothing against it.",
	},
	{
		ID: ruleServerTakes, Title: "A server takes the object, and the table says that it cannot",
		Why: "One of the two is wrong about it.",
	},
	{ID: ruleServerWarns, Title: "A server warns", Why: "It takes the object, and says what is wrong with it."},
}

// Report makes findings of what was judged for the releases.
func Report(origin Origin, releases []appbur.KubeVersion, judged []Judged) (list []findings.Finding) {
	for _, j := range judged {
		list = append(list, findingsOf(origin, releases, j)...)
	}
	return list
}

// findingsOf are those on one object: the same for several releases is told once, as the first has it.
func findingsOf(origin Origin, releases []appbur.KubeVersion, j Judged) (list []findings.Finding) {
	for i, v := range j.For {
		for _, f := range verdictFindings(origin, j, v) {
			at := slices.IndexFunc(list, func(earlier findings.Finding) bool { return earlier.Rule == f.Rule && earlier.Detail == f.Detail })
			if at < 0 {
				list, at = append(list, f), len(list)
			}
			if len(releases) > 1 {
				list[at].Versions = append(list[at].Versions, releases[i].MinorString())
			}
		}
		told := slices.ContainsFunc(list, func(earlier findings.Finding) bool { return earlier.Rule == ruleDeprecated })
		if f, ok := deprecation(origin, j, v, releases[i]); ok && !told {
			list = append(list, f)
		}
	}
	return list
}

func verdictFindings(origin Origin, j Judged, v compat.Verdict) (list []findings.Finding) {
	add := func(rule string, level findings.Level, detail, message string) {
		list = append(list, findings.Finding{
			Rule: rule, Level: level, Subject: j.ID.String(), Detail: detail, File: j.File, Line: j.Line, Message: message, Hint: v.Hint,
		})
	}
	written := origin == Manifests
	switch v.Kind {
	case compat.Blocked:
		add(ruleBlocked, findings.Error, j.APIVersion, v.Reason)
	case compat.Refused:
		for _, r := range v.Refusals {
			add(ruleRefused, findings.Error, r.Path, r.String())
		}
	case compat.Unknown:
		add(ruleUnknown, findings.Warning, j.APIVersion, v.Reason)
	case compat.Lossy, compat.Convertible, compat.Served:
	}

	if written && v.Creatable() && v.APIVersion != j.APIVersion {
		add(ruleRemoved, findings.Error, j.APIVersion, fmt.Sprintf("%s is not served, %s is", j.APIVersion, v.APIVersion))
		last := &list[len(list)-1]
		last.Hint, last.Source = changesHint(v), guide
	}
	for _, c := range v.Changes {
		switch {
		case c.Path == "apiVersion":
		case c.Lost:
			add(ruleLossy, findings.Warning, c.Path, c.Path+": "+c.What)
		case written && v.APIVersion == j.APIVersion:
			add(ruleConverted, levelOf(c.Rule), c.Path, c.Path+": "+c.What)
		}
	}
	if !written && v.Kind == compat.Convertible {
		add(ruleConverted, findings.Note, j.APIVersion, v.Reason)
	}
	for _, c := range v.Notices {
		add(ruleNotice, findings.Note, c.Path, strings.TrimPrefix(c.Path+": ", ": ")+c.What)
	}
	return list
}

// changesHint says how to write the object.
func changesHint(v compat.Verdict) string {
	hint := "write it as " + v.APIVersion
	for _, c := range v.Changes {
		if c.Path != "apiVersion" {
			hint += "; " + c.Path + ": " + c.What
		}
	}
	return hint
}

// refusedOnCreate are the fix-ups without which a server refuses a new object (pkg/compat, fixups). Without the others it
// takes the object, and something in it does nothing.
var refusedOnCreate = []string{
	"cronjob-time-zone", "ingress-class-twice", "webhook-side-effects", "webhook-review-versions", "crd-structural", "crd-protected-group",
	"legacy-signer", "canonical-addresses", "seccomp-annotation", "apparmor-annotation",
}

func levelOf(rule string) findings.Level {
	if slices.Contains(refusedOnCreate, rule) {
		return findings.Error
	}
	return findings.Warning
}

// deprecation warns of manifests that a later release will not take.
func deprecation(origin Origin, j Judged, v compat.Verdict, release appbur.KubeVersion) (findings.Finding, bool) {
	gvk, ok := compat.GVKOf(map[string]any{"apiVersion": j.APIVersion, "kind": j.ID.Kind})
	if origin != Manifests || !ok || v.APIVersion != j.APIVersion {
		return findings.Finding{}, false
	}
	life, known := compat.Lifecycle(gvk)
	if !known || life.Removed.IsZero() || life.Deprecated.IsZero() || !release.AtLeast(life.Deprecated.Major, life.Deprecated.Minor) {
		return findings.Finding{}, false
	}
	f := findings.Finding{
		Rule: ruleDeprecated, Level: findings.Warning, Subject: j.ID.String(), Detail: j.APIVersion, File: j.File, Line: j.Line,
		Message: fmt.Sprintf("%s is deprecated since Kubernetes %s, and removed in %s",
			j.APIVersion, life.Deprecated.MinorString(), life.Removed.MinorString()),
		Source: guide,
	}
	if life.Replacement.Kind != "" {
		f.Hint = "write it as " + life.Replacement.APIVersion()
	}
	return f, true
}
