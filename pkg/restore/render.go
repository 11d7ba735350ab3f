package restore

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// shownPerSection is how many lines a section of a summary has before it
// counts the rest; the JSON form and [Plan.WriteGraph] have them all.
const shownPerSection = 20

// Summary is what a summary of a plan says besides.
type Summary struct {
	// Differences are those between the plan and its target, if they were compared.
	Differences []Finding
	// More says where all of the lists is that the summary cuts.
	More string
}

// Render writes the plan for people, without a look at its target.
func (p *Plan) Render(w io.Writer) error { return p.Summarize(w, Summary{}) }

// Summarize writes the plan for people: first what is not simply applied as it was saved, then how
// much there is of each kind and in each namespace.
func (p *Plan) Summarize(w io.Writer, summary Summary) error {
	var b page
	what := "Restore"
	if p.Undoes {
		what = "Undo"
	}
	fmt.Fprintf(&b, "%s point %s, from Kubernetes %s to %s\n", what, p.Point, p.Source.Version, p.Target)
	p.renderPart(&b.Buffer)
	p.renderTotals(&b)
	p.renderVerdicts(&b, compat.Blocked, compat.Unknown, compat.Refused)
	p.renderConflicts(&b, summary.Differences)
	p.renderReplaced(&b.Buffer)
	p.renderPrune(&b)
	p.renderVerdicts(&b, compat.Lossy, compat.Convertible)
	p.renderNeeds(&b)

	p.renderPhases(&b.Buffer)
	p.renderPausing(&b.Buffer)
	p.renderRewritten(&b)
	p.renderNotes(&b)
	if len(p.Apps) > 0 {
		b.WriteString("\nApplication state to import after all objects\n")
		for _, app := range p.Apps {
			fmt.Fprintf(&b, "  %s\n", p.appLine(app))
		}
	}

	p.renderKinds(&b)
	p.renderNamespaces(&b)
	if b.cut && summary.More != "" {
		fmt.Fprintf(&b, "\nLists are cut; %s\n", summary.More)
	}
	if len(p.Blocked()) > 0 && !p.Policy.AllowBlocked {
		b.WriteString("\nNothing will be applied: some objects are blocked. Allow a restore without them to go on.\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// page is a summary while it is written.
type page struct {
	bytes.Buffer
	// cut is true once a list was not written to its end.
	cut bool
}

// more ends a list of which a number of lines is left out.
func (p *page) more(left int, what string) {
	p.cut = true
	fmt.Fprintf(p, "  … and %d more%s\n", left, what)
}

// verdictTitles are the sections of what the target does not take as it was saved.
var verdictTitles = map[compat.VerdictKind]string{
	compat.Blocked:     "Blocked: cannot be restored to this target",
	compat.Unknown:     "Unknown: it is not known whether the target serves them",
	compat.Refused:     "Expected to be refused: by their schema; a restore tries them nevertheless",
	compat.Lossy:       "Lossy: the target has no place for something",
	compat.Convertible: "Converted",
}

// renderVerdicts writes the sections of some verdicts.
func (p *Plan) renderVerdicts(b *page, verdicts ...compat.VerdictKind) {
	for _, verdict := range verdicts {
		var steps []*Step
		for _, s := range p.Steps {
			if s.section() == verdict && (s.Action == ActionBlocked || s.Verdict != compat.Unknown) && s.Action != ActionStatus &&
				s.Action != ActionPrepare && s.Action != ActionSkip && s.Action != ActionPrune {
				steps = append(steps, s)
			}
		}
		renderSteps(b, verdictTitles[verdict], steps)
	}
}

// section is the verdict under which a step is shown. What is blocked for another reason
// than how the target serves its kind is shown as blocked as well.
func (s *Step) section() compat.VerdictKind {
	if s.Action == ActionBlocked && s.Verdict != compat.Unknown {
		return compat.Blocked
	}
	return s.Verdict
}

// String returns what [Plan.Render] writes.
func (p *Plan) String() string {
	var b strings.Builder
	_ = p.Render(&b) // a strings.Builder does not fail
	return b.String()
}

// renderKinds counts by kinds, those with most objects first.
func (p *Plan) renderKinds(b *page) {
	type tally struct{ apply, converted, owned, status, blocked int } // left out objects have a note of their namespace
	tallies := make(map[appbur.GroupKind]*tally)
	var kinds []appbur.GroupKind

	for _, s := range p.Steps {
		if !s.Action.HasObject() || s.Action == ActionSkip || s.Action == ActionKeep || s.Action == ActionPrune {
			continue
		}
		kind := s.Object.GroupKind()
		t, ok := tallies[kind]
		if !ok {
			t = &tally{}
			tallies[kind] = t
			kinds = append(kinds, kind)
		}
		switch s.Action {
		case ActionApply:
			t.apply++
			if len(s.Details().Changes) > 0 {
				t.converted++
			}
			if len(s.Details().Owners) > 0 {
				t.owned++
			}
		case ActionStatus:
			t.status++
		case ActionBlocked:
			t.blocked++
		case ActionPrepare, ActionWait, ActionRelink, ActionHandOver, ActionBarrier, ActionReady, ActionKeep, ActionSkip, ActionPrune:
		}
	}

	slices.SortFunc(kinds, func(x, y appbur.GroupKind) int {
		a, b := tallies[x], tallies[y]
		return cmp.Or(cmp.Compare(b.apply+b.blocked, a.apply+a.blocked), x.Compare(y))
	})
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "\nKIND\tAPPLY\tCONVERTED\tWITH OWNERS\tWITH STATUS\tBLOCKED\n")
	var sum tally

	row := func(name string, t tally) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", name, count(t.apply), count(t.converted), count(t.owned), count(t.status),
			count(t.blocked))
	}
	add := func(x, y tally) tally {
		return tally{x.apply + y.apply, x.converted + y.converted, x.owned + y.owned, x.status + y.status, x.blocked + y.blocked}
	}
	var rest tally
	for i, kind := range kinds {
		sum = add(sum, *tallies[kind])
		if i < shownPerSection {
			row(kind.String(), *tallies[kind])
		} else {
			rest = add(rest, *tallies[kind])
		}
	}

	if left := len(kinds) - shownPerSection; left > 0 {
		b.cut = true
		row(fmt.Sprintf("… and %d more kinds", left), rest)
	}
	row("total", sum)
	_ = table.Flush() // into a buffer
}

func count(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
