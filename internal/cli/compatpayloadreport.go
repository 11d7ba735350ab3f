package cli

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur/internal/findings"
	"github.com/appbur/appbur/pkg/compat/golden"
)

// gateRule is the rule of a gate in findings.
func gateRule(gate golden.Gate) string { return "payload-" + string(gate) }

// payloadReport is the answer as findings: each gate is a rule, and each golden a subject.
func payloadReport(a checkedPayloads) findings.Report {
	report := findings.Report{
		Tool:  findings.Tool{Name: "appbur compat payload", Version: version},
		Title: fmt.Sprintf("Golden payloads of %s, imported into %s", a.App, a.Version),
	}
	dir := filepath.ToSlash(a.Directory)
	gates := map[golden.Gate]checkedGate{}
	for _, g := range a.Gates {
		gates[g.Gate] = g
		report.Tool.Rules = append(report.Tool.Rules, findings.Rule{ID: gateRule(g.Gate), Title: g.Title, Why: g.Why})
	}
	for _, g := range a.Goldens {
		about := path.Join(dir, g.Release, "about.json")
		report.Checked = append(report.Checked, findings.Subject{Name: "release " + g.Release, File: about, Line: 1})
	}

	for _, f := range a.Findings {
		one := findings.Finding{
			Rule: gateRule(f.Gate), Level: findings.Error, Subject: "release " + f.Release, Detail: strings.TrimSpace(
				strings.Join([]string{f.Dataset, f.Schema, f.Field, f.Rule}, " ")),
			Message: f.What, Reason: gates[f.Gate].Why, Source: gates[f.Gate].Source, Hint: f.Hint,
		}
		switch {
		case f.Release == "" && f.Dataset != "":
			one.Subject = "dataset " + f.Dataset
		case f.Release == "":
			one.Subject = a.App
		}
		if f.File != "" {
			one.File, one.Line = path.Join(dir, f.File), 1
		}
		if f.Dataset != "" {
			one.Message = aboutFinding(f) + ": " + one.Message
		}
		report.Findings = append(report.Findings, one)
	}
	report.Summary = fmt.Sprintf("%d goldens, %d findings", len(a.Goldens), len(a.Findings))
	return report
}
