package restore

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// WriteGraph writes every step of the plan, in waves: the steps of one wave need nothing of each
// other, and come after some of the wave before. A step has what it needs, which has to succeed,
// and what it comes after only where that does not follow from the rest.
func (p *Plan) WriteGraph(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "plan format %d, restore point %s, %s -> %s\n", p.Format, p.Point, p.Source.Version, p.Target)
	g := newOrderGraph(p.Steps)
	waves, idle := g.waves()
	for i, wave := range waves {
		fmt.Fprintf(&b, "\nwave %d: %s\n", i+1, stepsText(wave.steps))
		for _, s := range slices.Concat(wave.steps, wave.ends) {
			g.writeStep(&b, s)
		}
	}
	if len(idle) > 0 {
		fmt.Fprintf(&b, "\nnot touched: %s\n", stepsText(idle))
		for _, s := range idle {
			g.writeStep(&b, s)
		}
	}

	b.WriteByte('\n')
	for _, id := range p.Pausing.Objects() {
		fmt.Fprintf(&b, "paused %s\n", id)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note %s %s: %s\n", n.Kind, n.Object, n.What)
	}
	for _, kept := range p.Kept {
		fmt.Fprintf(&b, "left %s: %s\n", kept.Object, kept.Why)
	}
	for _, app := range p.Apps {
		fmt.Fprintf(&b, "import %s\n", p.appLine(app))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// stepsText counts steps by what they do and to which kind.
func stepsText(steps []*Step) string {
	counted := make(map[string]int)
	for _, s := range steps {
		what := string(s.Action)
		if s.Object != (appbur.ObjectID{}) {
			what += " " + s.Object.GroupKind().String()
		}
		counted[what]++
	}
	var parts []string
	for _, what := range mostFirst(counted, strings.Compare) {
		parts = append(parts, fmt.Sprintf("%d %s", counted[what], what))
	}
	return appbur.Shortlist(parts, shownKinds)
}

func (g *orderGraph) writeStep(b *bytes.Buffer, s *Step) {
	fmt.Fprintf(b, "  #%d %s", s.ID, s.Action)
	if s.Object != (appbur.ObjectID{}) {
		fmt.Fprintf(b, " %s", s.Object)
	}
	if s.APIVersion != "" {
		fmt.Fprintf(b, " %s", s.APIVersion)
	}
	if s.Details().From != "" {
		fmt.Fprintf(b, " from %s", s.Details().From)
	}
	if s.Phase > 0 {
		fmt.Fprintf(b, ", phase %d", s.Phase)
	}
	if len(s.Needs) > 0 {
		fmt.Fprintf(b, ", needs %s", ranges(s.Needs))
	}
	if after := g.after(s); len(after) > 0 {
		fmt.Fprintf(b, ", after %s", ranges(after))
	}
	b.WriteByte('\n')

	if s.Action != ActionApply || s.Verdict != compat.Served {
		fmt.Fprintf(b, "      why: %s\n", s.Why)
	}
	for _, o := range s.Details().Owners {
		fmt.Fprintf(b, "      owner: %s %s%s\n", o.Object, o.APIVersion, ownerFlags(o))
	}
	for _, c := range s.Details().Rewritten {
		fmt.Fprintf(b, "      rewritten: %s: %s\n", c.Path, c.What)
	}
	for _, c := range s.Details().Changes {
		fmt.Fprintf(b, "      change: %s: %s\n", c.Path, c.What)
	}
	for _, r := range s.Details().Refusals {
		fmt.Fprintf(b, "      refusal: %s\n", r)
	}
	for _, n := range s.Details().Notices {
		fmt.Fprintf(b, "      notice: %s: %s\n", n.Path, n.What)
	}
}

// ranges writes ids, which barriers have thousands of: #1-#9, #12.
func ranges(ids []int) string {
	ids = slices.Sorted(slices.Values(ids))
	var parts []string
	for i := 0; i < len(ids); {
		last := i
		for last+1 < len(ids) && ids[last+1] == ids[last]+1 {
			last++
		}
		part := fmt.Sprintf("#%d", ids[i])
		if last > i {
			part += fmt.Sprintf("-#%d", ids[last])
		}
		parts = append(parts, part)
		i = last + 1
	}
	return strings.Join(parts, ", ")
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
