package restore

import (
	"bytes"
	"fmt"

	"github.com/appbur/appbur"
)

// renderPrune names everything that is deleted, kind by kind: nobody confirms what is only
// counted. What is kept is shortened as other sections are.
func (p *Plan) renderPrune(b *page) {
	if !p.Policy.Prune && !p.Undoes {
		return
	}
	prunes := p.Prunes()
	what, left := "covered by the selection, and not in the restore point", "Not in the restore point either, and left"
	if p.Undoes {
		what, left = "made by the restore", "Made by the restore, and left"
	}
	fmt.Fprintf(b, "\nDeleted, after everything else: %s (%d)\n", what, len(prunes))
	byKind := make(map[appbur.GroupKind][]*Step)
	var kinds []appbur.GroupKind
	for _, step := range prunes {
		kind := step.Object.GroupKind()
		if byKind[kind] == nil {
			kinds = append(kinds, kind)
		}
		byKind[kind] = append(byKind[kind], step)
	}

	for _, kind := range kinds { // in the order of the deletions
		fmt.Fprintf(b, "  %s (%d)\n", kind, len(byKind[kind]))
		for _, step := range byKind[kind] {
			fmt.Fprintf(b, "    %s: %s\n", step.Object, step.Why)
		}
	}
	if len(p.Kept) == 0 {
		return
	}

	fmt.Fprintf(b, "\n%s (%d)\n", left, len(p.Kept))
	for i, kept := range p.Kept {
		if i == shownPerSection {
			b.more(len(p.Kept)-i, "")
			break
		}
		fmt.Fprintf(b, "  %s: %s\n", kept.Object, kept.Why)
	}
}

// renderReplaced names what is deleted and created again.
func (p *Plan) renderReplaced(b *bytes.Buffer) {
	var replaced []*Step
	for _, step := range p.Steps {
		if step.Details().Replaces != nil {
			replaced = append(replaced, step)
		}
	}
	if len(replaced) == 0 {
		return
	}
	fmt.Fprintf(b, "\nDeleted and created again, because fields cannot be changed (%d)\n", len(replaced))
	for _, step := range replaced {
		owned := "what it owns is made again"
		if step.Details().Replaces.Orphan {
			owned = "what it owns stays"
		}
		fmt.Fprintf(b, "  %s: %s; %s\n", step.Object, step.Details().Replaces.Why, owned)
	}
}
