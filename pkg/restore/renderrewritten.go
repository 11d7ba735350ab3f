package restore

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"github.com/appbur/appbur"
)

// position is the number of an element in a path.
var position = regexp.MustCompile(`\[\d+\]`)

// renderRewritten shows what was changed on the way: one line for each change of each kind,
// those of few objects first, because a change that hits one object is what a person looks for.
func (p *Plan) renderRewritten(b *page) {
	type change struct{ kind, path, what string }
	objects := make(map[change][]string)
	changed := make(map[appbur.ObjectID]bool)

	for _, s := range p.Steps {
		if s.Action == ActionPrepare || s.Action == ActionKeep {
			continue // it is said with the apply, and what stays as it is does not change
		}
		for _, r := range s.Details().Rewritten {
			c := change{s.Object.GroupKind().String(), position.ReplaceAllString(r.Path, "[]"), r.What}
			if named := objects[c]; len(named) == 0 || named[len(named)-1] != s.Object.String() {
				objects[c] = append(objects[c], s.Object.String())
			}
			changed[s.Object] = true
		}
	}
	if len(changed) == 0 {
		return
	}

	changes := make([]change, 0, len(objects))
	for c := range objects {
		changes = append(changes, c)
	}
	slices.SortFunc(changes, func(x, y change) int {
		return cmp.Or(cmp.Compare(len(objects[x]), len(objects[y])), cmp.Compare(x.kind, y.kind), cmp.Compare(x.path, y.path),
			cmp.Compare(x.what, y.what))
	})

	fmt.Fprintf(b, "\nChanged on the way (%s)\n", objectCount(len(changed)))
	for i, c := range changes {
		if i == shownPerSection {
			b.more(len(changes)-i, " changes")
			break
		}
		fmt.Fprintf(b, "  %s: %s\n      in %s\n", c.path, c.what, appbur.Shortlist(objects[c], shownAlike))
	}
}
