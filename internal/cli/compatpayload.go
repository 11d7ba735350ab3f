package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/findings"
	"github.com/appbur/appbur/internal/goldens"
	"github.com/appbur/appbur/pkg/compat/golden"
)

// gateCodes are the exit codes of the gates (docs/exit-codes.md).
var gateCodes = map[golden.Gate]int{
	golden.Imports: ExitIncompatible, golden.Locked: ExitGoldenEdited, golden.Covered: ExitGoldenMissing, golden.Set: ExitFieldUnset,
	golden.Ran: ExitUpcastUnused, golden.Window: ExitUnsupported, golden.Schemas: ExitSchemaBroken,
}

type compatPayloadOptions struct {
	underTestOptions
	reportOptions

	yes            bool
	generate, seed int
	json           bool
}

func newCompatPayload(e *env) *cobra.Command {
	o := &compatPayloadOptions{}
	command := &cobra.Command{
		Use:   "payload DIR --app ADDRESS",
		Short: "Check that an application imports what earlier releases exported",
		Long: `Have the application under test import every golden that ` + "`appbur compat record`" + ` has kept in DIR,
export again, and compare with what it declares to change. A dry run must foretell the import, a
second round must change nothing, and a golden that is newer than the application must be refused
with SCHEMA_TOO_NEW. Then the gates are judged: that goldens are as they were recorded, that every
schema that is read has one, that every field is set and every upcast ran in some, that the support
window holds (goldens.yaml in DIR), and that no schema was broken. docs/ci.md explains each.

It REPLACES THE STATE of the application again and again, and leaves it with the last of the goldens.
Use an instance that is not in use.` +
			exitStatus("0  every gate is passed", "1  it cannot be reached, or ended during the check", "10 there are no goldens",
				"12 a login was refused",
				"20 a golden cannot be imported, comes out otherwise than declared, or is taken although it must be refused",
				"21 a golden was edited, or dropped inside the support window", "22 a schema that is read has no golden",
				"23 a field is set in no golden", "24 an upcast changed nothing in any golden", "25 the support window does not hold",
				"26 a schema changed in a breaking way", "64 wrong command line, or no terminal and no --yes",
				"130 not confirmed, nothing was changed", "If several gates fail, the first in this order decides, and all are listed."),
		Example: `  appbur compat payload testdata/goldens --app unix:///run/orders.sock --yes
  appbur compat payload testdata/goldens --app localhost:7443 --app-ca ca.pem --yes --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return compatPayloadRun(cmd.Context(), e, o, args[0]) },
	}
	o.underTestOptions.addFlags(command)
	o.reportOptions.addFlags(command)
	command.Flags().BoolVar(&o.yes, "yes", false, "do not ask before the state of the application is replaced")
	command.Flags().IntVar(&o.generate, "generate", 0,
		"also import this `NUMBER` of goldens with a row that was made up, first of all in fields that goldens do not set; the application may "+
			"refuse such a row for what is in it, but not take it and change it")
	command.Flags().IntVar(&o.seed, "seed", 1, "`NUMBER` that the rows of --generate follow from: the same number, the same rows")
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

func compatPayloadRun(ctx context.Context, e *env, o *compatPayloadOptions, dir string) (err error) {
	target, _, err := o.target()
	if err != nil {
		return err
	}
	if o.generate < 0 || o.seed < 0 {
		return &usageError{appbur.WithHint(errors.New("--generate and --seed take no negative number"), "for example --generate 100 --seed 7")}
	}
	if err := o.readReport(o.json); err != nil {
		return err
	}
	schemas, err := o.schemaFiles()
	if err != nil {
		return err
	}
	directory, err := goldens.Open(dir)
	if err != nil {
		return err
	}
	if !o.yes {
		if err := e.confirm(ctx, fmt.Sprintf("Replace the state of the application at %s?", oneLine(target.Address))); err != nil {
			return err
		}
	}
	client, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()

	bar := e.bar("trying goldens", "goldens")
	bar.set(0, int64(len(directory.Goldens)+o.generate))
	report, err := goldens.Check(ctx, client, directory, goldens.Checking{
		Random: e.rand, At: e.now(), Schemas: schemas, Generate: o.generate, Seed: uint64(o.seed), Tried: func() { bar.add(1) },
	})
	bar.finish()
	if err != nil {
		return err
	}

	checked := payloadAnswer(dir, report)
	found := payloadReport(checked)
	if err := o.settle(e, &found); err != nil {
		return err
	}
	checked.Known = len(found.Findings) - len(fresh(found))
	err = o.print(e, answer{report: found, table: func() { e.printPayload(checked) }, document: func() any { return checked }})
	if first := firstGate(found); err == nil && first != "" {
		return gateError(first)
	}
	return err
}

// fresh are the findings that no baseline knows.
func fresh(r findings.Report) []findings.Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f findings.Finding) bool { return f.Known })
}

// firstGate is the first of the gates that something is found of which no baseline knows, "" if there is none.
func firstGate(r findings.Report) golden.Gate {
	for _, gate := range golden.Gates {
		if slices.ContainsFunc(fresh(r), func(f findings.Finding) bool { return f.Rule == gateRule(gate.Gate) }) {
			return gate.Gate
		}
	}
	return ""
}

// gateError ends a check whose first gate that is not passed is this one.
func gateError(gate golden.Gate) error {
	return &outcome{gateCodes[gate], fmt.Sprintf("the gate %s is not passed", gate)}
}

// checkedPayloads is what `compat payload --json` prints (docs/json.md).
type checkedPayloads struct {
	Directory string           `json:"directory"`
	App       string           `json:"app"`
	Version   string           `json:"version"`
	Support   string           `json:"support"`
	Goldens   []checkedGolden  `json:"goldens"`
	Gates     []checkedGate    `json:"gates"`
	Findings  []golden.Finding `json:"findings"`
	Notes     []string         `json:"notes"`
	// Known counts the findings that the baseline knows.
	Known int `json:"known"`
	// Generated is absent without --generate.
	Generated *goldens.Generated `json:"generated,omitempty"`
}

type checkedGolden struct {
	Release   string           `json:"release"`
	Recorded  string           `json:"recorded"`
	Supported bool             `json:"supported"`
	Verdict   golden.Verdict   `json:"verdict"`
	Datasets  []checkedDataset `json:"datasets"`
}

type checkedDataset struct {
	Name   string `json:"name"`
	Schema string `json:"schema"`
	// Becomes is the schema that the application makes of it, empty if it refuses the golden.
	Becomes string `json:"becomes,omitempty"`
	Rows    int64  `json:"rows"`
}

type checkedGate struct {
	golden.Explained

	ExitCode int `json:"exitCode"`
	Findings int `json:"findings"`
}

func payloadAnswer(dir string, r goldens.Report) checkedPayloads {
	answer := checkedPayloads{
		Directory: dir, App: r.Now.App, Version: r.Now.Version, Support: r.Support.String(), Goldens: []checkedGolden{},
		Findings: append([]golden.Finding{}, r.Findings...), Notes: append([]string{}, r.Notes...),
	}
	if r.Generated.Cases > 0 {
		answer.Generated = &r.Generated
	}

	for _, g := range r.Goldens {
		one := checkedGolden{
			Release: g.Release, Recorded: g.Entry.Recorded.Format("2006-01-02"), Supported: slices.Contains(r.InWindow, g.Release),
			Verdict: g.Verdict, Datasets: []checkedDataset{},
		}
		for _, d := range g.About.Datasets {
			becomes := ""
			if now, ok := r.Now.Dataset(d.Name); ok && g.Verdict == golden.Imported {
				becomes = now.Schema
			}
			one.Datasets = append(one.Datasets, checkedDataset{d.Name, d.Schema, becomes, d.Rows})
		}
		answer.Goldens = append(answer.Goldens, one)
	}

	for _, gate := range golden.Gates {
		n := 0
		for _, f := range r.Findings {
			if f.Gate == gate.Gate {
				n++
			}
		}
		answer.Gates = append(answer.Gates, checkedGate{gate, gateCodes[gate.Gate], n})
	}
	return answer
}

func (e *env) printPayload(a checkedPayloads) {
	fmt.Fprintf(e.Out, "%s %s, support window %q\n\n", a.App, a.Version, a.Support)
	t := e.newTable(goldenColumns...)
	for _, g := range a.Goldens {
		var schemas []string
		for _, d := range g.Datasets {
			schema := d.Name + " " + d.Schema
			if d.Becomes != "" && d.Becomes != d.Schema {
				schema += "→" + d.Becomes
			}
			schemas = append(schemas, schema)
		}
		in := "no"
		if g.Supported {
			in = "yes"
		}
		verdict := coloured(goldenColour(g.Verdict), string(g.Verdict))
		t.add(plain(g.Release), plain(g.Recorded), plain(in), plain(strings.Join(schemas, ", ")), verdict)
	}
	t.print(e.Out)
	if g := a.Generated; g != nil {
		fmt.Fprintf(e.paragraphs(4), "%d generated rows of seed %d: %d came out as declared, %d were refused for what is in them\n",
			g.Cases, g.Seed, g.Accepted, g.Refused)
	}
	fmt.Fprintln(e.Out)

	t = e.newTable(gateColumns...)
	for _, g := range a.Gates {
		result := coloured(sgrGreen, "passed")
		if g.Findings > 0 {
			result = coloured(sgrRed, fmt.Sprintf("%d found", g.Findings))
		}
		t.add(plain(string(g.Gate)), number(g.ExitCode), result, plain(g.Title))
	}
	t.print(e.Out)
	e.printGateFindings(a)
}

func goldenColour(v golden.Verdict) string {
	if v == golden.Failed {
		return sgrRed
	}
	return sgrGreen
}

func (e *env) printGateFindings(a checkedPayloads) {
	out := e.paragraphs(4)
	for _, gate := range a.Gates {
		if gate.Findings == 0 {
			continue
		}
		fmt.Fprintf(out, "\n%s (%d): %s\n", gate.Gate, gate.ExitCode, gate.Why)
		for _, f := range a.Findings {
			if f.Gate != gate.Gate {
				continue
			}
			fmt.Fprintf(out, "  %s: %s\n", e.paint(sgrRed, oneLine(aboutFinding(f))), oneLine(f.What))
			fmt.Fprintf(out, "    hint: %s\n", f.Hint)
		}
	}
	if len(a.Notes) > 0 {
		fmt.Fprintln(out)
	}
	for _, note := range a.Notes {
		fmt.Fprintf(out, "note: %s\n", oneLine(note))
	}
}

// aboutFinding names what a finding is about in a few words.
func aboutFinding(f golden.Finding) string {
	var words []string
	for _, word := range []struct{ what, value string }{
		{"release", f.Release}, {"dataset", f.Dataset}, {"schema", f.Schema}, {"field", f.Field},
	} {
		if word.value != "" {
			words = append(words, word.what+" "+word.value)
		}
	}
	if f.Gate == golden.Locked {
		return f.File
	}
	if len(words) == 0 {
		return string(f.Gate)
	}
	return strings.Join(words, ", ")
}
