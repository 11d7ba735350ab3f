package goldens

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/appbur/appbur/pkg/compat/golden"
	"github.com/appbur/appbur/pkg/compat/schemadiff"
	"github.com/appbur/appbur/pkg/contract"
)

// Checking is how goldens are checked.
type Checking struct {
	Random io.Reader
	At     time.Time
	// Schemas describe the rows that the application writes, by dataset.
	Schemas map[string]SchemaFile
	// Generate is how many generated rows are tried, beside the goldens, and Seed which.
	Generate int
	Seed     uint64
	// Tried is called after each golden and each generated row; it may be nil.
	Tried func()
}

// Report is what came of a check.
type Report struct {
	Now     golden.About
	Support golden.Support
	// InWindow are the releases of the support window.
	InWindow []string
	Goldens  []Tried
	Findings []golden.Finding
	Notes    []string
	// Generated is what became of generated rows, if some were asked for.
	Generated Generated
}

// Tried is one golden and what became of it.
type Tried struct {
	Recorded

	Entry   golden.Entry
	Verdict golden.Verdict
}

// ErrOtherApp says that goldens are of another application than the one under test.
var ErrOtherApp = errors.New("the goldens are of another application")

// Check has an application import all goldens, and judges it by every gate.
func Check(ctx context.Context, client *contract.Client, d *Directory, c Checking) (Report, error) {
	info, err := client.Info(ctx)
	if err != nil {
		return Report{}, err
	}
	now := aboutOf(info)
	for _, e := range d.Lock.Entries {
		if e.App != now.App {
			return Report{}, fmt.Errorf("%w: release %s is of %s, and %s answers", ErrOtherApp, e.Release, e.App, now.App)
		}
	}
	live, err := export(ctx, client, c.Random)
	if err != nil {
		return Report{}, err
	}
	report := Report{Now: now, Support: d.Support, InWindow: d.Support.Releases(d.Lock, now.Version, c.At)}

	evidence := golden.Evidence{
		Now: now, Lock: d.Lock, Support: d.Support, At: c.At, Live: map[string][]golden.Row{}, Judged: map[string]golden.Judged{},
		Described: map[[2]string]schemadiff.Schema{}, DescribedNow: map[string]schemadiff.Schema{},
	}
	for name, schema := range c.Schemas {
		if _, ok := now.Dataset(name); !ok {
			return report, fmt.Errorf("%w: %s", ErrNoDataset, name)
		}
		evidence.DescribedNow[name] = schema.Schema
	}
	decoded, err := inRows(live)
	if err != nil {
		return report, err
	}
	for name, e := range decoded {
		evidence.Live[name] = e.Rows
	}

	report.Findings, report.Notes = d.Lock.Check(d.Found, d.supported(report.InWindow, now.Version))
	caller := caller{client, c.Random}
	for _, g := range d.Goldens {
		trial, err := caller.try(ctx, now, g)
		if err != nil {
			return report, fmt.Errorf("golden of release %s: %w", g.Release, err)
		}
		judged := trial.Judge()
		evidence.Goldens = append(evidence.Goldens, g.Golden)
		evidence.Judged[g.Release] = judged
		report.Findings = append(report.Findings, judged.Findings...)
		report.Notes = append(report.Notes, judged.Notes...)
		entry, _ := d.Lock.Entry(g.Release)
		report.Goldens = append(report.Goldens, Tried{Recorded: g, Entry: entry, Verdict: judged.Verdict})
		for name, schema := range g.Schemas {
			evidence.Described[[2]string{g.Release, name}] = schema.Schema
		}
		c.tried()
	}

	if c.Generate > 0 {
		var wrong []golden.Finding
		if report.Generated, wrong, err = caller.generate(ctx, d, &evidence, c.Generate, c.Seed, c.tried); err != nil {
			return report, err
		}
		report.Findings = append(report.Findings, wrong...)
	}

	type gate = func(golden.Evidence) ([]golden.Finding, []string)
	for _, gate := range []gate{golden.Versions, golden.Fields, golden.Upcasts, golden.Supported, golden.Unbroken} {
		findings, notes := gate(evidence)
		report.Findings = append(report.Findings, findings...)
		report.Notes = append(report.Notes, notes...)
	}
	return report, nil
}

func (c Checking) tried() {
	if c.Tried != nil {
		c.Tried()
	}
}

// supported is the releases whose goldens must stay as they are: those of the window, and those that are newer than
// the application, which a later one will have to read.
func (d *Directory) supported(window []string, app string) func(release string) bool {
	return func(release string) bool {
		return slices.Contains(window, release) || golden.Newer(release, app)
	}
}
