package cli

import (
	"fmt"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// printReport says what a restore did, object by object where they are few.
func (e *env) printReport(
	report restore.Report, activated activation, took time.Duration, o *restoreOptions, target targetCluster, undo *undoPoint,
	run *runAnswer, times *restoreTimes, silent *silencing,
) error {
	if o.json {
		type plainReport restore.Report // without MarshalJSON, which would leave the target out
		report.Outcomes = append([]restore.Outcome{}, report.Outcomes...)
		for i := range report.Outcomes {
			if o.dryRun {
				report.Outcomes[i].UID = "" // nothing has it
			}
		}
		return e.printJSON(struct {
			plainReport
			Activation activation            `json:"activation"`
			Target     targetCluster         `json:"target"`
			Undo       appbur.RestorePointID `json:"undoPoint,omitempty"`
			Run        *runAnswer            `json:"run,omitempty"`
			Times      *restoreTimes         `json:"times,omitempty"`
			Admission  *restore.Admission    `json:"admission,omitempty"`

			Silenced []restore.SilenceOutcome `json:"silenced"`
		}{plainReport(report), activated, target, undo.id(), run, times, silent.admission, silent.all()})
	}

	t := e.newTable(restoreColumns...)
	addChanges(t, report.Outcomes)
	for _, failure := range report.Failures() {
		why := failure.Reason
		if failure.Hint != "" {
			why += " (" + failure.Hint + ")"
		}
		t.add(coloured(sgrRed, string(failure.Result)), plain(failure.Object.String()), plain(oneLine(why)))
	}

	for _, phase := range report.Phases {
		for _, waiting := range phase.NotReady {
			t.add(coloured(sgrRed, "not ready"), plain(waiting.Object.String()), plain(oneLine(fmt.Sprintf("phase %s: %s: %s", phase.Name,
				waiting.Status, waiting.Why))))
		}
	}

	skipped := 0
	for _, outcome := range report.Outcomes {
		if outcome.Result == restore.Skipped && skipped < shownChanges {
			skipped++
			t.add(coloured(sgrYellow, string(outcome.Result)), plain(outcome.Object.String()), plain(oneLine(outcome.Reason)))
		}
	}
	for _, outcome := range report.Outcomes {
		for _, note := range outcome.Notes {
			t.add(coloured(sgrYellow, "note"), plain(outcome.Object.String()), plain(oneLine(note)))
		}
	}

	if len(t.rows) > 0 {
		t.print(e.Out)
		fmt.Fprintln(e.Out)
	}
	out := e.paragraphs(4)
	what := "restored"
	if o.dryRun {
		what = "dry run, nothing was changed"
	}

	fmt.Fprintf(out, "%s in %s: %s\n", what, took.Round(10*time.Millisecond), report.Counts)
	if report.Remaining > 0 {
		fmt.Fprintf(out, "%d objects were not tried; run the same command again to go on\n", report.Remaining)
	}
	for _, app := range report.Apps {
		e.printImport(app)
	}
	e.printActivation(activated)
	e.printSilenced(out, silent.outcomes)
	if times != nil {
		fmt.Fprintln(out, times)
	}
	if undo.id() != "" {
		fmt.Fprintf(out, "`appbur undo` brings back what it was before (undo point %s)\n", undo.id())
	}
	return nil
}

func (e *env) printImport(app restore.AppOutcome) {
	out := e.paragraphs(4)
	if app.Result == restore.Unchanged && app.Imported != nil && app.Imported.Before != nil {
		fmt.Fprintf(out, "application %s: imported by this restore at %s, not repeated\n", app.App, app.Imported.Before.Format(time.RFC3339))
		return
	}
	if app.Imported == nil || app.Result != restore.Created {
		sgr, why := sgrRed, app.Reason
		if app.Result == restore.Skipped {
			sgr = sgrYellow
		}
		if app.Hint != "" {
			why += " (" + app.Hint + ")"
		}
		fmt.Fprintf(out, "application %s: %s: %s\n", app.App, e.paint(sgr, string(app.Result)), oneLine(why))
		return
	}

	what := "imported into %s and exported again: equal"
	if app.Imported.DryRun {
		what = "would be imported into %s, which tried it and changed nothing"
	}
	into := app.Imported.App + " " + app.Imported.Version
	if app.Imported.Service != "" {
		into += " (Service " + app.Imported.Service + ")"
	}
	fmt.Fprintf(out, "application %s: "+what+"\n", app.App, into)
	for _, d := range app.Imported.Datasets {
		change := "schema " + d.SchemaTo
		if d.SchemaFrom != d.SchemaTo {
			change = fmt.Sprintf("schema %s to %s", d.SchemaFrom, d.SchemaTo)
		}
		content := appbur.Dataset{MediaType: d.MediaType, Rows: d.Rows}.Content()
		fmt.Fprintf(out, "  %s: %s, %s, %s\n", d.Name, content, sizeText(d.Size), change)
		if d.Uncompared != "" {
			fmt.Fprintf(out, "    %s: %s\n", e.paint(sgrYellow, "not compared"), oneLine(d.Uncompared))
		}
		for _, dropped := range d.Dropped {
			fmt.Fprintf(out, "    %s %s\n", e.paint(sgrYellow, "dropped"), oneLine(dropped))
		}
		for _, filled := range d.Filled {
			fmt.Fprintf(out, "    defaulted %s\n", oneLine(filled))
		}
	}
}
