package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/findings"
	"github.com/appbur/appbur/internal/verdicts"
	"github.com/appbur/appbur/pkg/compat"
)

// printCompat prints the answer for people and short pipelines.
func (o *compatOptions) printCompat(e *env, r *compatResult) {
	last := len(r.versions) - 1
	switch {
	case r.path():
		e.printPath(r)
	case len(r.versions) > 1:
		e.printMatrix(r, o.all)
	case r.origin == verdicts.Manifests:
		e.printFindings(r.findings.Findings, o.all)
	default:
		e.printJudged(r, o.all)
	}
	for _, asked := range r.asked {
		e.printAsked(r.origin, asked)
	}

	e.printUse(r.uses(r.versions[last]), r.evidence)
	if r.origin != verdicts.Manifests {
		for _, place := range r.uids {
			e.warn("%s", place)
		}
	}
	for i, version := range r.versions {
		if r.path() && i < last {
			continue
		}
		fmt.Fprintf(e.paragraphs(4), "%s%s: %s\n", r.name, r.between(version), summary(r.counts(i)))
	}
	o.printCounts(e, r)
}

// between says from where to where.
func (r *compatResult) between(version appbur.KubeVersion) string {
	if r.from.IsZero() {
		return " for Kubernetes " + version.MinorString()
	}
	return fmt.Sprintf(" from Kubernetes %s to %s", r.from, version.MinorString())
}

// printCounts says how many findings there are, where that is not what the verdicts say.
func (o *compatOptions) printCounts(e *env, r *compatResult) {
	if r.origin != verdicts.Manifests && o.baseline == "" && len(r.asked) == 0 {
		return
	}
	var parts []string
	for _, level := range []findings.Level{findings.Error, findings.Warning, findings.Note} {
		all, known := r.findings.Count(level)
		part := fmt.Sprintf("%d %ss", all, level)
		if all == 1 {
			part = "1 " + string(level)
		}
		if known > 0 {
			part += fmt.Sprintf(" (%d known)", known)
		}
		parts = append(parts, part)
	}
	fmt.Fprintf(e.paragraphs(4), "%s\n", strings.Join(parts, ", "))
}

func levelColour(level findings.Level) string {
	switch level {
	case findings.Error:
		return sgrRed
	case findings.Warning:
		return sgrYellow
	default:
		return sgrGreen
	}
}

// printFindings lists what is new, each in a paragraph for a person and in a row for a pipe. Notes and what is known are
// listed with all.
func (e *env) printFindings(list []findings.Finding, all bool) {
	t := e.newTable(findingColumns...)
	for _, f := range list {
		if (f.Known || f.Level == findings.Note) && !all {
			continue
		}
		if e.OutTerminal {
			e.printFinding(f)
			continue
		}
		t.add(coloured(levelColour(f.Level), string(f.Level)), plain(f.Subject), plain(placeOf(f.File, f.Line)), plain(f.Rule),
			plain(oneLine(messageOf(f))), plain(oneLine(f.Hint)))
	}
	t.print(e.Out)
}

func (e *env) printFinding(f findings.Finding) {
	out := e.paragraphs(4)
	fmt.Fprintf(out, "%s %s\n", e.paint(levelColour(f.Level), fmt.Sprintf("%-7s", f.Level)), f.Subject)
	if place := placeOf(f.File, f.Line); place != "" {
		fmt.Fprintf(out, "    %s\n", place)
	}
	fmt.Fprintf(out, "    %s\n", oneLine(messageOf(f)))
	if f.Hint != "" {
		fmt.Fprintf(out, "    %s %s\n", e.paint(sgrCyan, "hint:"), oneLine(f.Hint))
	}
}

func messageOf(f findings.Finding) string {
	if f.Reason == "" {
		return f.Message
	}
	return f.Message + " (" + f.Reason + ")"
}

func placeOf(file string, line int) string {
	if file == "" || line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// printMatrix has a column for each version.
func (e *env) printMatrix(r *compatResult, all bool) {
	columns := []column{{name: "object", fit: copied, least: 24}, {name: "saved as", rank: 1}}
	for i, version := range r.versions {
		columns = append(columns, column{name: version.MinorString(), rank: 3 + i})
	}
	columns = append(columns, column{name: "why", fit: wrapping, least: 24, rank: 2})
	if r.origin == verdicts.Manifests {
		columns = append(columns, column{name: "where", fit: copied})
	}

	t := e.newTable(columns...)
	for _, j := range r.byVerdict(all) {
		row := []cell{plain(j.ID.String()), plain(j.APIVersion)}
		why := ""
		for _, v := range j.For {
			row = append(row, coloured(verdictColour(v.Kind), string(v.Kind)))
			if why == "" && v.Kind != compat.Served {
				why = explainVerdict(v)
			}
		}
		row = append(row, plain(oneLine(why)))
		if r.origin == verdicts.Manifests {
			row = append(row, plain(placeOf(j.File, j.Line)))
		}
		t.add(row...)
	}
	t.print(e.Out)
}

// printPath tells each release on the way.
func (e *env) printPath(r *compatResult) {
	for i, step := range verdicts.Path(r.versions, r.judged) {
		title := "Kubernetes " + step.Release.MinorString()
		switch {
		case i == 0 && len(step.Events) == 0:
			continue
		case i == 0:
			title += ", where they come from"
		}

		fmt.Fprintln(e.Out, e.paint(sgrBold, title))
		if len(step.Events) == 0 {
			fmt.Fprintln(e.Out, "    nothing happens")
		}
		for _, event := range step.Events {
			out := e.paragraphs(8)
			where := ""
			if event.File != "" {
				where = " (" + placeOf(event.File, event.Line) + ")"
			}
			v := event.Verdict

			fmt.Fprintf(out, "    %s %s%s\n", e.paint(verdictColour(v.Kind), fmt.Sprintf("%-11s", v.Kind)), event.Object, where)
			v.Hint = ""
			fmt.Fprintf(out, "        %s\n", oneLine(event.APIVersion+": "+explainVerdict(v)))
			if event.Before != "" {
				fmt.Fprintf(out, "        %s %s\n", e.paint(sgrCyan, "before:"), oneLine(event.Before))
			}
		}
	}
}

// printAsked lists what a server does not take, and where it disagrees with the table.
func (e *env) printAsked(origin verdicts.Origin, asked askedServer) {
	t := e.newTable(askedColumns...)
	counts, disagreements, unasked := map[verdicts.AnswerKind]int{}, 0, ""
	for _, a := range asked.answers {
		counts[a.answer.Kind]++
		agree := verdicts.Agree(origin, a.judged, a.verdict, a.answer)
		if !agree {
			disagreements++
		}
		if a.answer.Kind == verdicts.Unasked {
			unasked = a.answer.Said
		}
		if agree && (a.answer.Kind == verdicts.Accepted || a.answer.Kind == verdicts.Unasked) {
			continue
		}
		colour := sgrRed
		if a.answer.Kind == verdicts.Accepted {
			colour = sgrYellow
		}
		t.add(coloured(colour, string(a.answer.Kind)), plain(a.judged.ID.String()), plain(string(a.verdict.Kind)), plain(oneLine(a.answer.Said)))
	}

	t.print(e.Out)
	if unasked != "" {
		e.warn("the server was not asked about %d objects: %s", counts[verdicts.Unasked], oneLine(unasked))
	}
	fmt.Fprintf(e.paragraphs(4), "a server of Kubernetes %s: %d taken, %d refused, %d not served, %d not asked; %d disagree with the table\n",
		asked.Version, counts[verdicts.Accepted], counts[verdicts.Rejected], counts[verdicts.Unserved], counts[verdicts.Unasked], disagreements)
}

func (s askedServer) findings(origin verdicts.Origin) (list []findings.Finding) {
	for _, a := range s.answers {
		list = append(list, verdicts.Disagreement(origin, s.Version, a.judged, a.verdict, a.answer)...)
	}
	return list
}

// byVerdict lists what is to be shown, the worst first.
func (r *compatResult) byVerdict(all bool) []verdicts.Judged {
	var shown []verdicts.Judged
	fresh := r.fresh()
	for _, j := range r.judged {
		if all || !uneventful(j) && fresh[j.ID.String()] {
			shown = append(shown, j)
		}
	}
	slices.SortStableFunc(shown, func(a, b verdicts.Judged) int { return worst(b) - worst(a) })
	return shown
}

// fresh are the objects with findings that no baseline knows.
func (r *compatResult) fresh() map[string]bool {
	fresh := map[string]bool{}
	for _, f := range r.findings.Findings {
		fresh[f.Subject] = fresh[f.Subject] || !f.Known
	}
	return fresh
}

// uneventful reports whether there is nothing to say of an object.
func uneventful(j verdicts.Judged) bool {
	return !slices.ContainsFunc(j.For, func(v compat.Verdict) bool { return v.Kind != compat.Served || len(v.Notices) > 0 })
}

func worst(j verdicts.Judged) int {
	rank := 0
	for _, v := range j.For {
		rank = max(rank, verdicts.Rank(v.Kind))
	}
	return rank
}

func verdictColour(kind compat.VerdictKind) string {
	switch kind {
	case compat.Blocked, compat.Refused:
		return sgrRed
	case compat.Lossy, compat.Unknown:
		return sgrYellow
	default:
		return sgrGreen
	}
}

// printJudged lists what is not simply served: in a paragraph each for a person,
// because the reasons are longer than a terminal is wide, in a row each for a pipe.
func (e *env) printJudged(r *compatResult, all bool) {
	results := r.byVerdict(all)
	if e.OutTerminal {
		for _, j := range results {
			e.printVerdict(j)
		}
		return
	}
	t := e.newTable(compatColumns...)
	for _, j := range results {
		v := j.For[0]
		t.add(coloured(verdictColour(v.Kind), string(v.Kind)), plain(j.ID.String()), plain(j.APIVersion), plain(v.APIVersion),
			plain(oneLine(explainVerdict(v))))
	}
	t.print(e.Out)
}

func (e *env) printVerdict(j verdicts.Judged) {
	out, v := e.paragraphs(4), j.For[0]
	becomes := ""
	if v.APIVersion != "" && v.APIVersion != j.APIVersion {
		becomes = fmt.Sprintf(" (%s becomes %s)", j.APIVersion, v.APIVersion)
	}
	fmt.Fprintf(out, "%s %s%s\n", e.paint(verdictColour(v.Kind), fmt.Sprintf("%-11s", v.Kind)), j.ID, becomes)
	if !v.Creatable() {
		fmt.Fprintf(out, "    %s\n", oneLine(v.Reason))
	}
	for _, r := range v.Refusals {
		fmt.Fprintf(out, "    %s\n", oneLine(r.String()))
	}

	for _, list := range [][]compat.Change{v.Changes, v.Notices} {
		for _, c := range list {
			if c.Path != "apiVersion" {
				fmt.Fprintf(out, "    %s: %s\n", c.Path, oneLine(c.What))
			}
		}
	}

	if v.Hint != "" {
		fmt.Fprintf(out, "    %s %s\n", e.paint(sgrCyan, "hint:"), oneLine(v.Hint))
	}
}

func explainVerdict(v compat.Verdict) string {
	text := v.Reason
	for _, list := range [][]compat.Change{v.Changes, v.Notices} {
		for _, c := range list {
			text += "; " + strings.TrimPrefix(c.Path+": ", ": ") + c.What
		}
	}
	if v.Hint != "" {
		text += " (" + v.Hint + ")"
	}
	return strings.TrimPrefix(text, "; ")
}
