package restore

import (
	"bytes"
	"fmt"
)

// renderPart says which part of the point was chosen.
func (p *Plan) renderPart(b *bytes.Buffer) {
	if p.Part == nil {
		return
	}
	fmt.Fprintf(b, "Selected: %s\n%d of %d objects, and %d that they need\n", p.Part.Text, p.Part.Chosen, p.Part.Of, p.Part.Needed)
}

// renderNeeds names what comes with the chosen objects.
func (p *Plan) renderNeeds(b *page) {
	sections := []struct {
		title  string
		action Action
	}{
		{"Needed by selected objects, and missing: created", ActionApply},
		{"Needed by selected objects, and there: left as they are", ActionKeep},
	}

	for _, section := range sections {
		var steps []*Step
		for _, s := range p.Steps {
			if s.Details().Need != nil && s.Action == section.action {
				shown := *s
				shown.Why, shown.details = s.Details().Need.String(), nil // the steps themselves are in another section
				steps = append(steps, &shown)
			}
		}
		renderSteps(b, section.title, steps)
	}
}
