package cli

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/internal/findings"
	"github.com/appbur/appbur/pkg/compat/golden"
)

// payloadOutput is a form in which the findings about goldens are written to a file, for what reads them in a pipeline.
type payloadOutput struct{ form, file string }

// payloadOutputs reads FORM=FILE.
func payloadOutputs(texts []string) ([]payloadOutput, error) {
	forms := slices.Sorted(maps.Keys(findings.Writers))
	var outputs []payloadOutput
	for _, text := range listed(texts) {
		form, file, _ := strings.Cut(text, "=")
		if !slices.Contains(forms, form) || file == "" {
			return nil, &usageError{appbur.WithHint(fmt.Errorf("--output: %q is not FORM=FILE", text),
				"for example --output junit=payload.xml; a form is one of "+strings.Join(forms, ", "))}
		}
		outputs = append(outputs, payloadOutput{form, file})
	}
	return outputs, nil
}

// writePayload writes the findings in every form that was asked for.
func writePayload(outputs []payloadOutput, a checkedPayloads) error {
	report := payloadReport(a)
	for _, o := range outputs {
		var text bytes.Buffer
		if err := findings.Writers[o.form](&text, report); err != nil {
			return err
		}
		if err := durable.Replace(o.file, text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("--output %s: %w", o.form, err)
		}
	}
	return nil
}

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
		report.Tool.Rules = append(report.Tool.Rules, findings.Rule{ID: "payload-" + string(g.Gate), Title: g.Title, Why: g.Why})
	}
	for _, g := range a.Goldens {
		about := path.Join(dir, g.Release, "about.json")
		report.Checked = append(report.Checked, findings.Subject{Name: "release " + g.Release, File: about, Line: 1})
	}

	for _, f := range a.Findings {
		one := findings.Finding{
			Rule: "payload-" + string(f.Gate), Level: findings.Error, Subject: "release " + f.Release, Detail: strings.TrimSpace(
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
	report.Seal()
	return report
}
