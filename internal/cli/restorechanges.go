package cli

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// shownChanges is how many objects of one result a report names one by one.
const shownChanges = 20

// addChanges adds to a table what a restore created and configured: object by object as
// long as they are few, otherwise kind by kind.
func addChanges(t *table, outcomes []restore.Outcome) {
	for _, result := range []restore.Result{restore.Created, restore.Configured, restore.Deleted} {
		var changed []appbur.ObjectID
		for _, o := range outcomes {
			if o.Result == result {
				changed = append(changed, o.Object)
			}
		}

		if len(changed) <= shownChanges {
			for _, id := range changed {
				t.add(coloured(sgrGreen, string(result)), plain(id.String()), plain(""))
			}
			continue
		}
		addKinds(t, result, changed)
	}
}

// addKinds adds one row for each kind, the kinds with most objects first.
func addKinds(t *table, result restore.Result, changed []appbur.ObjectID) {
	byKind := map[appbur.GroupKind][]string{}
	for _, id := range changed {
		name := id.Name
		if id.Namespace != "" {
			name = id.Namespace + "/" + id.Name
		}
		byKind[id.GroupKind()] = append(byKind[id.GroupKind()], name)
	}

	kinds := make([]appbur.GroupKind, 0, len(byKind))
	for kind := range byKind {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b appbur.GroupKind) int {
		return cmp.Or(cmp.Compare(len(byKind[b]), len(byKind[a])), cmp.Compare(a.String(), b.String()))
	})

	for _, kind := range kinds {
		names := byKind[kind]
		t.add(coloured(sgrGreen, string(result)), plain(fmt.Sprintf("%s: %d", kind, len(names))), plain(appbur.Shortlist(names, shownNames)))
	}
}
