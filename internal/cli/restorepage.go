package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/internal/restorereport"
	"github.com/appbur/appbur/pkg/restore"
)

// restorePage is a page about a restore that is written at its end. The zero value is none.
type restorePage struct {
	file   string
	write  restorereport.Writer
	now    func() time.Time
	began  time.Time
	phases []restorereport.Phase
	// phase is the one that goes on, and since when.
	phase string
	since time.Time
}

// newRestorePage checks where the page is to be, before any work.
func newRestorePage(file string, now func() time.Time) (*restorePage, error) {
	p := &restorePage{file: file, now: now, began: now()}
	if file == "" {
		return p, nil
	}
	var known bool
	if p.write, known = restorereport.For(file); !known {
		return nil, &usageError{appbur.WithHint(fmt.Errorf("--report: %s ends with neither .md nor .html", file),
			"name a file such as restore.html")}
	}
	holder, err := os.Stat(filepath.Dir(file))
	if err == nil && !holder.IsDir() {
		err = fmt.Errorf("%s is no directory", filepath.Dir(file))
	}
	if at, statErr := os.Stat(file); err == nil && statErr == nil && !at.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", file)
	} else if err == nil && statErr != nil && !errors.Is(statErr, fs.ErrNotExist) {
		err = statErr
	}
	if err != nil {
		return nil, &usageError{appbur.WithHint(fmt.Errorf("--report: %w", err), "name a file in a directory that you can write to")}
	}
	return p, nil
}

// next ends the phase that goes on, and begins another, "" for none.
func (p *restorePage) next(phase string) {
	at := p.now()
	if p.phase != "" {
		p.phases = append(p.phases, restorereport.Phase{Name: p.phase, Took: at.Sub(p.since)})
	}
	p.phase, p.since = phase, at
}

// restoreTimes are what `restore --json` says of the time that it took (docs/json.md).
type restoreTimes struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	// Captured is when the restore point was begun: what was written later is not in it.
	Captured time.Time     `json:"captured"`
	Parts    []restoreTime `json:"parts"`

	page restorereport.Report
}

type restoreTime struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// times ends the last phase, and says how long each took.
func (p *restorePage) times(meta appbur.RestorePoint) *restoreTimes {
	p.next("")
	t := &restoreTimes{Began: p.began, Ended: p.now(), Captured: capturedAt(meta), Parts: []restoreTime{}}
	for _, phase := range p.phases {
		t.Parts = append(t.Parts, restoreTime{phase.Name, phase.Took.Seconds()})
	}
	t.page = restorereport.Report{Began: t.Began, Ended: t.Ended, Captured: t.Captured, Phases: p.phases}
	return t
}

// capturedAt is when a point was begun, or made, where it is of an older release.
func capturedAt(meta appbur.RestorePoint) time.Time {
	if meta.Started.IsZero() {
		return meta.Created
	}
	return meta.Started
}

// String says it in one line.
func (t *restoreTimes) String() string {
	parts := make([]string, 0, len(t.page.Phases))
	for _, phase := range t.page.Phases {
		parts = append(parts, phase.Name+" "+phase.Lasted())
	}
	return fmt.Sprintf("recovery time %s (%s); recovery point %s old", t.page.Took(), strings.Join(parts, ", "), t.page.Age())
}

// declared tells how long each declared phase of the objects took, which end with what comes after the last one.
func (p *restorePage) declared(phases []restore.PhaseOutcome) {
	p.next("")
	for _, phase := range phases {
		took, waited := phase.Times()
		p.phases = append(p.phases,
			restorereport.Phase{Name: "of that: phase " + phase.Name, Took: took},
			restorereport.Phase{Name: "of that: waiting for phase " + phase.Name, Took: waited})
	}
}

// finish writes the page. What became of the restore is not changed by a page that cannot be
// written, but that is said.
func (p *restorePage) finish(
	o *restoreOptions, made planned, target targetCluster, report restore.Report, a activation, silenced []restore.SilenceOutcome,
	failed error,
) error {
	p.next("")
	if p.file == "" {
		return failed
	}
	page := restorereport.Report{
		Point: string(made.plan.Point), Captured: capturedAt(made.loaded.Meta), Began: p.began, Ended: p.now(), DryRun: o.dryRun,
		Part: partText(made.plan.Part), Target: target.name(), Cluster: target.ID,
		Source: made.plan.Source.Version.String(), Version: made.plan.Target.String(), Phases: p.phases,
		Counts: pageCounts(report), Apps: pageApps(report.Apps), Sections: pageSections(made.plan, report, a),
	}
	page.Sections = append(page.Sections, pageSilenced(silenced))
	if failed != nil {
		page.Failure = failed.Error()
	}

	var text bytes.Buffer
	err := p.write(&text, page)
	if err == nil {
		err = durable.Replace(p.file, text.Bytes(), 0o644)
	}
	if err != nil {
		return cmp.Or(failed, fmt.Errorf("the restore is complete, but its report could not be written: %w", err))
	}
	return failed
}

func pageCounts(report restore.Report) []restorereport.Count {
	c := report.Counts
	return []restorereport.Count{
		{What: "created", N: c.Created},
		{What: "configured", N: c.Configured},
		{What: "unchanged", N: c.Unchanged},
		{What: "deleted", N: c.Deleted},
		{What: "skipped", N: c.Skipped},
		{What: "failed", N: c.Failed},
		{What: "not tried", N: report.Remaining},
		{What: "of all: converted for the target", N: c.Converted},
	}
}

func pageApps(apps []restore.AppOutcome) []restorereport.Row {
	var rows []restorereport.Row
	for _, app := range apps {
		row := restorereport.Row{Object: app.App.String()}
		switch done := app.Imported; {
		case done == nil || app.Reason != "":
			row.What = append(row.What, string(app.Result)+": "+app.Reason)
		case done.Before != nil:
			row.What = append(row.What, "imported by this restore at "+done.Before.UTC().Format(time.RFC3339)+", not repeated")
		case done.DryRun:
			row.What = append(row.What, "would be imported into "+done.App+" "+done.Version)
		default:
			row.What = append(row.What, "imported into "+done.App+" "+done.Version+", exported again, and equal")
		}
		if app.Hint != "" {
			row.What = append(row.What, "what to do: "+app.Hint)
		}
		if app.Imported != nil {
			row.What = append(row.What, pageDatasets(app.Imported.Datasets)...)
		}
		rows = append(rows, row)
	}
	return rows
}

func pageDatasets(datasets []restore.ImportedDataset) []string {
	var lines []string
	for _, d := range datasets {
		content := appbur.Dataset{MediaType: d.MediaType, Rows: d.Rows}.Content()
		line := fmt.Sprintf("%s: %s, %s, schema %s", d.Name, content, sizeText(d.Size), d.SchemaTo)
		if d.SchemaFrom != d.SchemaTo {
			line = fmt.Sprintf("%s: %s, %s, schema %s to %s", d.Name, content, sizeText(d.Size), d.SchemaFrom, d.SchemaTo)
		}
		lines = append(lines, line)
		for _, dropped := range d.Dropped {
			lines = append(lines, "dropped "+dropped)
		}
		for _, filled := range d.Filled {
			lines = append(lines, "defaulted "+filled)
		}
		if d.Uncompared != "" {
			lines = append(lines, "not compared: "+d.Uncompared)
		}
	}
	return lines
}

// pageSections lists objects, those that somebody has to look at first.
func pageSections(plan *restore.Plan, report restore.Report, a activation) []restorereport.Section {
	byResult := make(map[restore.Result][]restorereport.Row)
	var notes []restorereport.Row
	for _, o := range report.Outcomes {
		row := restorereport.Row{Object: o.Object.String()}
		if o.Reason != "" {
			row.What = append(row.What, o.Reason)
		}
		if o.Hint != "" {
			row.What = append(row.What, "what to do: "+o.Hint)
		}
		byResult[o.Result] = append(byResult[o.Result], row)
		if len(o.Notes) > 0 {
			notes = append(notes, restorereport.Row{Object: o.Object.String(), What: o.Notes})
		}
	}
	for _, note := range plan.Notes {
		notes = append(notes, restorereport.Row{Object: note.Object.String(), What: []string{note.What}})
	}

	var paused []restorereport.Row
	for _, kept := range a.Kept {
		paused = append(paused, restorereport.Row{Object: kept.Object.String(), What: []string{kept.Reason}})
	}
	converted, changed := pageChanges(plan)
	return []restorereport.Section{
		{Title: "Failed", Rows: byResult[restore.Failed]},
		{Title: "Not ready", Rows: pageNotReady(report.Phases)},
		{Title: "Still paused", Rows: paused},
		{Title: "Skipped", Rows: byResult[restore.Skipped]},
		{Title: "Deleted", Rows: byResult[restore.Deleted]},
		{Title: "Notes", Rows: notes},
		{Title: "Converted for the target", Rows: converted},
		{Title: "Changed on the way", Rows: changed},
		{Title: "Created", Rows: byResult[restore.Created]},
		{Title: "Configured", Rows: byResult[restore.Configured]},
	}
}

// pageNotReady lists what phases waited for in vain.
func pageNotReady(phases []restore.PhaseOutcome) []restorereport.Row {
	var rows []restorereport.Row
	for _, phase := range phases {
		for _, waiting := range phase.NotReady {
			rows = append(rows, restorereport.Row{
				Object: waiting.Object.String(), What: []string{fmt.Sprintf("phase %s: %s: %s", phase.Name, waiting.Status, waiting.Why)},
			})
		}
	}
	return rows
}

// pageChanges lists what the plan converts, and what it changes because somebody asked for it.
func pageChanges(plan *restore.Plan) (converted, changed []restorereport.Row) {
	for _, step := range plan.Steps {
		if step.Action != restore.ActionApply {
			continue
		}
		row := restorereport.Row{Object: step.Object.String()}
		if step.Details().From != "" {
			row.What = append(row.What, step.Details().From+" becomes "+step.APIVersion)
		}
		for _, change := range step.Details().Changes {
			if change.Path != "apiVersion" {
				row.What = append(row.What, change.Path+": "+change.What)
			}
		}
		if len(row.What) > 0 {
			converted = append(converted, row)
		}

		row = restorereport.Row{Object: step.Object.String()}
		for _, change := range step.Details().Rewritten {
			row.What = append(row.What, change.Path+": "+change.What)
		}
		if len(row.What) > 0 {
			changed = append(changed, row)
		}
	}
	return converted, changed
}
