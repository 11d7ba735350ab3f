package cli

import (
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/findings"
	"github.com/appbur/appbur/internal/verdicts"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
)

// judged is one object of `compat cluster --json` (docs/json.md).
type judged struct {
	Object     string           `json:"object"`
	APIVersion string           `json:"savedVersion"`
	File       string           `json:"file,omitempty"`
	Line       int              `json:"line,omitempty"`
	Server     *verdicts.Answer `json:"server,omitempty"`
	compat.Verdict
}

// compatVersion is what was judged for one version.
type compatVersion struct {
	To      appbur.KubeVersion         `json:"toVersion"`
	Counts  map[compat.VerdictKind]int `json:"counts"`
	Objects []judged                   `json:"objects"`
	Use     []oldUse                   `json:"use"`
	Beyond  bool                       `json:"beyondTable"`
}

// compatDocument is the answer as JSON: of one version as it always was, of several with a part for each.
type compatDocument struct {
	Source verdicts.Origin       `json:"source"`
	Name   string                `json:"name"`
	Point  appbur.RestorePointID `json:"restorePoint,omitempty"`
	From   appbur.KubeVersion    `json:"fromVersion,omitzero"`
	*compatVersion
	Versions []compatVersion     `json:"versions,omitempty"`
	Path     []verdicts.Step     `json:"path,omitempty"`
	UIDs     []manifest.UIDPlace `json:"uids"`
	End      string              `json:"tableEnds"`
	findings.Document
}

func (o *compatOptions) compatDocument(r *compatResult) compatDocument {
	d := compatDocument{
		Source: r.origin, Name: r.name, From: r.from, UIDs: r.uids, End: compat.TableEnd().MinorString(), Document: r.findings.Document(),
	}
	if r.origin == verdicts.Point {
		d.Point = appbur.RestorePointID(r.name)
	}
	if r.path() {
		d.Path = verdicts.Path(r.versions, r.judged)
	}
	if d.UIDs == nil {
		d.UIDs = []manifest.UIDPlace{}
	}

	for i := range r.versions {
		if r.path() && i < len(r.versions)-1 {
			continue // the path tells it
		}
		d.Versions = append(d.Versions, r.version(i, o.all))
	}
	if len(d.Versions) == 1 {
		d.compatVersion, d.Versions = &d.Versions[0], nil
	}
	return d
}

func (r *compatResult) version(i int, all bool) compatVersion {
	v := compatVersion{
		To: r.versions[i], Counts: r.counts(i), Objects: []judged{}, Use: r.uses(r.versions[i]),
		Beyond: beyond(r.versions[i], compat.TableEnd()),
	}
	said := map[verdictKey]*verdicts.Answer{}
	if i < len(r.asked) {
		for at := range r.asked[i].answers {
			a := &r.asked[i].answers[at]
			said[keyOf(a.judged.ID, a.judged.File, a.judged.Line)] = &a.answer
		}
	}

	for _, j := range r.judged {
		verdict := j.For[i]
		answer := said[keyOf(j.ID, j.File, j.Line)]
		quiet := answer == nil || answer.Kind == verdicts.Accepted && len(answer.Warnings) == 0
		if verdict.Kind != compat.Served || !quiet || all {
			v.Objects = append(v.Objects, judged{j.ID.String(), j.APIVersion, j.File, j.Line, answer, verdict})
		}
	}
	slices.SortStableFunc(v.Objects, func(a, b judged) int { return verdicts.Rank(b.Kind) - verdicts.Rank(a.Kind) })
	return v
}
