package cli

import (
	"fmt"
	"time"

	"github.com/appbur/appbur/internal/drillreport"
	"github.com/appbur/appbur/internal/restorereport"
)

// spanOf writes seconds for people.
func spanOf(seconds float64) string {
	return restorereport.Span(time.Duration(seconds * float64(time.Second)))
}

// outcomeOf is how a drill ended, as a cell.
func outcomeOf(outcome drillreport.Outcome) cell {
	if outcome == drillreport.Passed {
		return coloured(sgrGreen, string(outcome))
	}
	return coloured(sgrRed, string(outcome))
}

// printDrill says what came out of a drill.
func (e *env) printDrill(r drillreport.Report) error {
	out := e.paragraphs(fieldIndent)
	state := outcomeOf(r.Outcome)
	fmt.Fprintf(out, "drill          %s: %s\n", r.ID, e.paint(state.sgr, state.text))
	for _, why := range r.Why {
		fmt.Fprintf(out, "failed         %s\n", oneLine(why))
	}
	fmt.Fprintf(out, "restore point  %s, of Kubernetes %s, into %s\n", r.Point.ID, r.Point.Kubernetes, r.Target.Kubernetes)
	fmt.Fprintf(out, "objects        %d created, %d converted, %d failed; %d compared, %s\n", r.Objects.Created, r.Objects.Converted,
		r.Objects.Failed, r.Objects.Compared, count(r.Objects.Different, "finding"))
	for _, app := range r.Apps {
		text := app.Result
		switch {
		case app.Equal:
			text += ", exported again: equal"
		case app.Reason != "":
			text += ": " + oneLine(app.Reason)
		}
		fmt.Fprintf(out, "application    %s: %s\n", app.App, text)
		for _, difference := range app.Differences {
			fmt.Fprintf(out, "               %s %s\n", e.paint(sgrRed, "different:"), oneLine(difference))
		}
	}

	for _, check := range r.Checks {
		text := e.paint(sgrGreen, "passed")
		if !check.Passed {
			text = e.paint(sgrRed, "failed") + ": " + oneLine(check.Reason)
		}
		fmt.Fprintf(out, "check          %s: %s\n", oneLine(check.Name), text)
	}
	fmt.Fprintf(out, "recovery time  %s\n", spanOf(r.RecoverySeconds))
	for _, phase := range r.Phases {
		note := ""
		if !phase.Recovery {
			note = " (not part of a recovery)"
		}
		fmt.Fprintf(out, "               %s %s%s\n", spanOf(phase.Seconds), phase.Name, note)
	}
	if trend := drillreport.Trend(r.Brief(), r.Earlier); trend != "" {
		fmt.Fprintf(out, "               %s\n", trend)
	}
	fmt.Fprintf(out, "recovery point %s old\n", spanOf(r.RecoveryPointSeconds))
	return nil
}
