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

// shownPerSection is how many objects a section of [Plan.Render] names before it
// counts the rest; the JSON form and [Plan.WriteText] have them all.
const shownPerSection = 20

// Render writes the plan for people: what there is of each kind, and one by one
// what is not simply applied as it was saved.
func (p *Plan) Render(w io.Writer) error {
	var b bytes.Buffer
	what := "Restore"
	if p.Undoes {
		what = "Undo"
	}
	fmt.Fprintf(&b, "%s point %s, from Kubernetes %s to %s\n", what, p.Point, p.Source.Version, p.Target)
	p.renderPart(&b)
	p.renderKinds(&b)
	p.renderNeeds(&b)
	p.renderReplaced(&b)
	p.renderPrune(&b)

	sections := []struct {
		title   string
		verdict compat.VerdictKind
	}{
		{"Blocked: cannot be restored to this target", compat.Blocked},
		{"Unknown: it is not known whether the target serves them", compat.Unknown},
		{"Expected to be refused: by their schema; a restore tries them nevertheless", compat.Refused},
		{"Lossy: the target has no place for something", compat.Lossy},
		{"Converted", compat.Convertible},
	}

	for _, section := range sections {
		var steps []*Step
		for _, s := range p.Steps {
			if s.section() == section.verdict && (s.Action == ActionBlocked || s.Verdict != compat.Unknown) && s.Action != ActionStatus &&
				s.Action != ActionPrepare && s.Action != ActionSkip && s.Action != ActionPrune {
				steps = append(steps, s)
			}
		}
		renderSteps(&b, section.title, steps)
	}

	p.renderPhases(&b)
	p.renderPausing(&b)
	p.renderRewritten(&b)
	p.renderNotes(&b)
	if len(p.Apps) > 0 {
		b.WriteString("\nApplication state to import after all objects\n")
		for _, app := range p.Apps {
			fmt.Fprintf(&b, "  %s\n", p.appLine(app))
		}
	}
	if len(p.Blocked()) > 0 && !p.Policy.AllowBlocked {
		b.WriteString("\nNothing will be applied: some objects are blocked. Allow a restore without them to go on.\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// section is the verdict under which a step is shown. What is blocked for another reason
// than how the target serves its kind is shown as blocked as well.
func (s Step) section() compat.VerdictKind {
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

func (p *Plan) renderKinds(b *bytes.Buffer) {
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
			if len(s.Changes) > 0 {
				t.converted++
			}
			if len(s.Owners) > 0 {
				t.owned++
			}
		case ActionStatus:
			t.status++
		case ActionBlocked:
			t.blocked++
		case ActionPrepare, ActionWait, ActionRelink, ActionHandOver, ActionBarrier, ActionReady, ActionKeep, ActionSkip, ActionPrune:
		}
	}

	slices.SortFunc(kinds, appbur.GroupKind.Compare)
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "\nKIND\tAPPLY\tCONVERTED\tWITH OWNERS\tWITH STATUS\tBLOCKED\n")
	var sum tally

	row := func(name string, t tally) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", name, count(t.apply), count(t.converted), count(t.owned), count(t.status),
			count(t.blocked))
	}
	for _, kind := range kinds {
		t := *tallies[kind]
		row(kind.String(), t)
		sum = tally{sum.apply + t.apply, sum.converted + t.converted, sum.owned + t.owned, sum.status + t.status, sum.blocked + t.blocked}
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

func renderSteps(b *bytes.Buffer, title string, steps []*Step) {
	if len(steps) == 0 {
		return
	}
	slices.SortStableFunc(steps, func(x, y *Step) int {
		return cmp.Or(x.Object.GroupKind().Compare(y.Object.GroupKind()), x.Object.Compare(y.Object))
	})
	fmt.Fprintf(b, "\n%s (%d)\n", title, len(steps))

	for i, s := range steps {
		if i == shownPerSection {
			fmt.Fprintf(b, "  … and %d more\n", len(steps)-i)
			break
		}
		if s.From != "" {
			fmt.Fprintf(b, "  %s: %s becomes %s\n", s.Object, s.From, s.APIVersion)
		} else {
			fmt.Fprintf(b, "  %s: %s\n", s.Object, s.Why)
		}
		for _, change := range s.Changes {
			if change.Path == "apiVersion" && s.From != "" {
				continue // it is in the line above
			}
			lost := ""
			if change.Lost {
				lost = " (lost)"
			}
			fmt.Fprintf(b, "      %s: %s%s\n", change.Path, change.What, lost)
		}
		if len(s.Refusals) > 1 || s.From != "" {
			for _, refusal := range s.Refusals {
				fmt.Fprintf(b, "      %s\n", refusal)
			}
		}
		if s.Hint != "" {
			fmt.Fprintf(b, "      hint: %s\n", s.Hint)
		}
	}
}

func (p *Plan) renderNotes(b *bytes.Buffer) {
	var noticed []string
	for _, s := range p.Steps {
		for _, n := range s.Notices {
			noticed = append(noticed, fmt.Sprintf("%s: %s: %s", s.Object, n.Path, n.What))
		}
	}

	lines := make([]string, 0, len(p.Notes)+len(noticed))
	for _, n := range p.Notes {
		if n.Object == (appbur.ObjectID{}) {
			lines = append(lines, n.What)
			continue
		}
		lines = append(lines, fmt.Sprintf("%s: %s", n.Object, n.What))
	}

	slices.Sort(noticed)
	lines = append(lines, noticed...)
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\nNotes (%d)\n", len(lines))

	for i, line := range lines {
		if i == shownPerSection {
			fmt.Fprintf(b, "  … and %d more\n", len(lines)-i)
			break
		}
		fmt.Fprintf(b, "  %s\n", line)
	}
}

// WriteText writes every step on a line of its own, with what it comes after and
// why: the form that tests compare and that a diff of two plans is made of.
func (p *Plan) WriteText(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "plan format %d, restore point %s, %s -> %s\n", p.Format, p.Point, p.Source.Version, p.Target)

	for _, s := range p.Steps {
		name := "-"
		if s.Action.HasObject() {
			name = s.Object.String()
		}
		fmt.Fprintf(&b, "%d %s %s", s.ID, s.Action, name)
		if s.APIVersion != "" {
			fmt.Fprintf(&b, " %s", s.APIVersion)
		}
		if s.From != "" {
			fmt.Fprintf(&b, " from %s", s.From)
		}
		if len(s.After) > 0 {
			fmt.Fprintf(&b, " after %s", ids(s.After))
		}
		if len(s.Needs) > 0 {
			fmt.Fprintf(&b, " needs %s", ids(s.Needs))
		}
		b.WriteByte('\n')
		if s.Action != ActionApply || s.Verdict != compat.Served {
			fmt.Fprintf(&b, "    why: %s\n", s.Why)
		}
		for _, o := range s.Owners {
			fmt.Fprintf(&b, "    owner: %s %s%s\n", o.Object, o.APIVersion, ownerFlags(o))
		}
		for _, c := range s.Rewritten {
			fmt.Fprintf(&b, "    rewritten: %s: %s\n", c.Path, c.What)
		}
		for _, c := range s.Changes {
			fmt.Fprintf(&b, "    change: %s: %s\n", c.Path, c.What)
		}
		for _, r := range s.Refusals {
			fmt.Fprintf(&b, "    refusal: %s\n", r)
		}
		for _, n := range s.Notices {
			fmt.Fprintf(&b, "    notice: %s: %s\n", n.Path, n.What)
		}
	}

	for _, id := range p.Pausing.Objects() {
		fmt.Fprintf(&b, "paused %s\n", id)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note %s %s: %s\n", n.Kind, n.Object, n.What)
	}
	for _, app := range p.Apps {
		fmt.Fprintf(&b, "import %s\n", app.AppKey)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func ids(list []int) string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = fmt.Sprint(id)
	}
	return strings.Join(out, ",")
}

func ownerFlags(o Owner) string {
	flags := ""
	if o.Controller != nil && *o.Controller {
		flags += " controller"
	}
	if o.BlockOwnerDeletion != nil && *o.BlockOwnerDeletion {
		flags += " blocking"
	}
	if o.Late {
		flags += " late"
	}
	return flags
}
