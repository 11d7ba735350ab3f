package restore

import (
	"fmt"

	"github.com/appbur/appbur"
)

// shownFields is how many fields of one object are named.
const shownFields = 3

// renderConflicts names the objects with differing fields of other managers, which a restore by
// this plan does not take.
func (p *Plan) renderConflicts(b *page, differences []Finding) {
	fields := make(map[appbur.ObjectID][]string)
	var objects []appbur.ObjectID
	for _, d := range differences {
		if !d.Conflict {
			continue
		}
		if fields[d.Object] == nil {
			objects = append(objects, d.Object)
		}
		fields[d.Object] = append(fields[d.Object], fmt.Sprintf("%s (%s)", d.Path, appbur.Shortlist(d.Managers, shownFields)))
	}

	lines := make([]line, len(objects))
	for i, object := range objects {
		lines[i] = line{object: object, what: appbur.Shortlist(fields[object], shownFields)}
	}
	title := "Conflicts: others manage fields that differ, and a restore fails for these objects"
	if p.Policy.SkipConflicts {
		title = "Conflicts: others manage fields that differ, and a restore leaves these objects out"
	}
	renderLines(b, title, lines)
}
