package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur/internal/diagnosis"
	"github.com/appbur/appbur/pkg/compat"
)

// printFleet prints a line for each cluster, those that are not well first.
func (e *env) printFleet(answer fleetAnswer, wrong int) {
	columns := fleetColumns
	if answer.To != "" {
		columns = slices.Insert(slices.Clone(fleetColumns), 4, fleetRestoreColumn)
	}
	t := e.newTable(columns...)
	for _, state := range []diagnosis.State{diagnosis.Failing, diagnosis.Warning, diagnosis.OK} {
		for _, c := range answer.Clusters {
			if c.State != state {
				continue
			}
			cells := []cell{coloured(stateColours[c.State], string(c.State)), plain(c.Name), plain(pointText(e, c)), plain(c.Kubernetes)}
			if answer.To != "" {
				cells = append(cells, plain(judgedText(c)))
			}
			t.add(append(cells, plain(wrongText(c)))...)
		}
	}
	t.print(e.Out)

	if wrong == 0 {
		e.say("%s", e.paintErr(sgrGreen, fmt.Sprintf("All is well with %s.", count(len(answer.Clusters), "cluster"))))
		return
	}
	e.say("%s", e.paintErr(stateColours[answer.State], fmt.Sprintf("Not well: %d of %s.", wrong, count(len(answer.Clusters), "cluster"))))
}

func pointText(e *env, c fleetCluster) string {
	if c.LastGoodPoint == nil {
		return "none"
	}
	return e.when(c.LastGoodPoint.Confirmed)
}

// judgedText says whether a point would restore completely.
func judgedText(c fleetCluster) string {
	if c.Judged == nil {
		return ""
	}
	var parts []string
	for _, kind := range []compat.VerdictKind{compat.Blocked, compat.Refused, compat.Lossy} {
		if n := c.Judged[kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "all of it")
}

func wrongText(c fleetCluster) string {
	if c.Error != "" {
		text := oneLine(c.Error)
		if c.Hint != "" {
			text += " (" + c.Hint + ")"
		}
		return text
	}
	parts := make([]string, 0, len(c.Wrong))
	for _, check := range c.Wrong {
		what := check.Check
		if check.Subject != "" {
			what += " " + check.Subject
		}
		parts = append(parts, oneLine(what+": "+check.Says))
	}
	return strings.Join(parts, "; ")
}
