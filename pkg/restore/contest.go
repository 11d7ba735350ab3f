package restore

import (
	"cmp"
	"slices"
)

// contest finds definitions that want names which an older one of their group has.
// A cluster serves the first one, and the others wait for its names, established
// or not. So it is in the target: the first is made and established before them. Ages
// are known to the second; of two that came in the same one, the name decides.
func (b *planner) contest() {
	definitions := make([]*draft, 0, len(b.kinds))
	for _, d := range b.order {
		if d.object.ID.GroupKind() == kindDefinition && !d.blocked {
			definitions = append(definitions, d)
		}
	}
	created := func(d *draft) int64 { return b.point.Index[d.saved()].Created.UnixNano() }
	slices.SortStableFunc(definitions, func(x, y *draft) int {
		return cmp.Or(cmp.Compare(created(x), created(y)), x.object.ID.Compare(y.object.ID))
	})

	type name struct{ group, name string }
	plurals, kinds := make(map[name]*draft), make(map[name]*draft)
	for _, d := range definitions {
		content := d.object.Content.Object()
		group := text(content, "spec", "group")
		resources, types := claimedNames(content)
		for _, n := range resources {
			d.contested = cmp.Or(d.contested, plurals[name{group, n}])
		}
		for _, n := range types {
			d.contested = cmp.Or(d.contested, kinds[name{group, n}])
		}
		if d.contested != nil {
			b.note(NoteContest, d.object.ID, "it is made, and not established: %s is older and has its names, as in the source",
				d.contested.object.ID)
			continue
		}
		for _, n := range resources {
			plurals[name{group, n}] = d
		}
		for _, n := range types {
			kinds[name{group, n}] = d
		}
		read := readDefinition(d.object.ID, content)
		b.kinds[read.kind] = read
	}
}

// claimedNames are those that only one definition of a group may have: of resources,
// and of types.
func claimedNames(definition map[string]any) (resources, types []string) {
	names := field(definition, "spec", "names")
	resources = []string{text(names, "plural"), text(names, "singular")}
	for _, short := range list(names, "shortNames") {
		if s, ok := short.(string); ok {
			resources = append(resources, s)
		}
	}
	types = []string{text(names, "kind"), text(names, "listKind")}
	empty := func(s string) bool { return s == "" }
	return slices.DeleteFunc(resources, empty), slices.DeleteFunc(types, empty)
}

// awaitsNames orders a definition after the one that has its names.
func (b *planner) awaitsNames(d *draft) {
	if d.contested == nil || d.apply == nil {
		return
	}
	d.wait = nil
	d.apply.after(b.drafts[d.contested.object.ID].wait, soft)
}
