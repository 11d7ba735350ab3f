package restore

import (
	"fmt"
	"maps"
	"slices"

	"github.com/appbur/appbur"
)

// StatusKinds returns the kinds of which the point has the status of some object, sorted. Of
// built-in kinds it has none: their controllers compute it.
func (p Point) StatusKinds() []appbur.GroupKind {
	kinds := make(map[appbur.GroupKind]bool)
	for id, entry := range p.Index {
		if entry.Status != nil {
			kinds[id.GroupKind()] = true
		}
	}
	return slices.SortedFunc(maps.Keys(kinds), appbur.GroupKind.Compare)
}

// WithStatusOf returns the point with the saved status of those kinds alone that keep holds for,
// and a note for each other kind. An object is restored then as somebody would create it, and its
// controller finds it without a status.
func (p Point) WithStatusOf(keep func(appbur.GroupKind) bool) Point {
	p.Index = maps.Clone(p.Index)
	left := make(map[appbur.GroupKind]int)
	for _, id := range p.Objects.IDs() {
		entry, ok := p.Index[id]
		if !ok || entry.Status == nil || keep(id.GroupKind()) {
			continue
		}
		entry.Status = nil
		p.Index[id] = entry
		left[id.GroupKind()]++
	}

	p.Notes = slices.Clone(p.Notes)
	for _, kind := range slices.SortedFunc(maps.Keys(left), appbur.GroupKind.Compare) {
		what := fmt.Sprintf("the saved status of %s (%d) is not restored, as asked", kind, left[kind])
		p.Notes = append(p.Notes, Note{Kind: NoteStatus, What: what})
	}
	return p
}
