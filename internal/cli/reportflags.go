package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/internal/findings"
)

const (
	formTable = "table"
	formJSON  = "json"
	// formGitHub are lines among the others of a step, so it may share standard output.
	formGitHub = "github"
	// envStepSummary names the file whose Markdown GitHub shows with a job; a step adds to it.
	envStepSummary = "GITHUB_STEP_SUMMARY"
)

// reportOptions are how a check tells what it found, and what of it is accepted.
type reportOptions struct {
	outputs       []string
	baseline      string
	writeBaseline bool

	wanted []output
}

// output is one form of a report, to a file or to standard output if it is empty.
type output struct{ form, file string }

func (o *reportOptions) addFlags(command *cobra.Command) {
	f := command.Flags()
	f.StringArrayVar(&o.outputs, "output", nil,
		"`FORM[=FILE]` of the answer: table, json, junit, sarif, github, gitlab, markdown; to standard output without FILE; repeatable (docs/ci.md)")
	f.StringVar(&o.baseline, "baseline", "", "`FILE` with accepted findings: they are known, and only new ones fail (docs/ci.md)")
	f.BoolVar(&o.writeBaseline, "write-baseline", false, "accept what is found now: write it to the file of --baseline, and end with 0")
}

// readReport checks the flags, before any work.
func (o *reportOptions) readReport(asJSON bool) error {
	forms := append(slices.Sorted(maps.Keys(findings.Writers)), formTable)
	stdout := ""
	if asJSON {
		o.outputs = append(o.outputs, formJSON)
	}
	for _, text := range listed(o.outputs) {
		form, file, named := strings.Cut(text, "=")
		if !slices.Contains(forms, form) {
			return &usageError{appbur.WithHint(fmt.Errorf("--output: %q is not known", form), "pass "+strings.Join(forms, ", ")+", or FORM=FILE")}
		}
		if named && file == "" {
			return &usageError{appbur.WithHint(fmt.Errorf("--output %s=: no file is named", form), "pass --output "+form+"=FILE")}
		}
		if file == "" && form != formGitHub {
			if stdout != "" {
				return &usageError{appbur.WithHint(fmt.Errorf("--output: %s and %s would both go to standard output", stdout, form),
					"name a file for one of them: --output "+form+"=FILE")}
			}
			stdout = form
		}
		o.wanted = append(o.wanted, output{form, file})
	}

	if stdout == "" && !slices.ContainsFunc(o.wanted, func(w output) bool { return w.form == formTable }) {
		o.wanted = slices.Insert(o.wanted, 0, output{form: formTable})
	}
	if o.writeBaseline && o.baseline == "" {
		return &usageError{appbur.WithHint(errors.New("--write-baseline: no file is named"), "pass --baseline FILE as well")}
	}
	return nil
}

// answer is how a command prints itself.
type answer struct {
	report findings.Report
	// table prints the table, and what belongs below it.
	table func()
	// document is the answer as JSON, once the findings are known or not; nil is the document of findings alone.
	document func() any
}

// settle seals the report, and compares it with the baseline or writes that.
func (o *reportOptions) settle(e *env, report *findings.Report) error {
	report.Seal()
	if o.baseline == "" {
		return nil
	}
	return o.compare(e, report)
}

// print writes every form that was asked for.
func (o *reportOptions) print(e *env, a answer) error {
	for _, w := range o.wanted {
		if err := o.write(e, w, a); err != nil {
			return err
		}
	}
	return nil
}

// compare applies the baseline, or writes it.
func (o *reportOptions) compare(e *env, report *findings.Report) error {
	if o.writeBaseline {
		accepted := report.Baseline()
		data, err := accepted.Encode()
		if err != nil {
			return err
		}
		if err := durable.Replace(o.baseline, data, 0o644); err != nil {
			return fmt.Errorf("--baseline: %w", err)
		}
		report.Apply(accepted)
		e.say("%d findings are accepted from now on (%s)", len(accepted.Findings), o.baseline)
		return nil
	}

	data, err := os.ReadFile(o.baseline)
	if errors.Is(err, fs.ErrNotExist) {
		return &usageError{appbur.WithHint(fmt.Errorf("--baseline: %w", err), "write it first with --write-baseline, and commit it")}
	}
	if err != nil {
		return &usageError{fmt.Errorf("--baseline: %w", err)}
	}
	accepted, err := findings.ParseBaseline(data, report.Tool.Name)
	if err != nil {
		return &usageError{fmt.Errorf("--baseline %s: %w", o.baseline, err)}
	}
	report.Apply(accepted)
	if len(report.Gone) > 0 {
		names := make([]string, 0, len(report.Gone))
		for _, gone := range report.Gone {
			names = append(names, gone.Subject)
		}
		e.warnWithHint(fmt.Sprintf("%d findings of the baseline are gone: %s", len(names), appbur.Shortlist(names, shownNames)),
			"write it again with --write-baseline, so that they cannot come back unseen")
	}
	return nil
}

func (o *reportOptions) write(e *env, w output, a answer) error {
	var content bytes.Buffer
	out, before := io.Writer(&content), e.Out
	if w.file == "" {
		out = before
	}
	switch {
	case w.form == formTable:
		e.Out = out
		a.table()
		e.Out = before
	case w.form == formJSON && a.document != nil:
		e.Out = out
		err := e.printJSON(a.document())
		e.Out = before
		if err != nil {
			return err
		}
	default:
		if err := findings.Writers[w.form](out, a.report); err != nil {
			return err
		}
	}

	if w.file == "" {
		return nil
	}
	if err := put(e, w, content.Bytes()); err != nil {
		return fmt.Errorf("--output %s=%s: %w", w.form, w.file, err)
	}
	return nil
}

// put writes the file of a form. To the summary of a step it is added: other steps write there as well.
func put(e *env, w output, content []byte) error {
	if w.file != e.getenv(envStepSummary) {
		if dir := filepath.Dir(w.file); dir != "." {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		return os.WriteFile(w.file, content, 0o644)
	}
	file, err := os.OpenFile(w.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}
