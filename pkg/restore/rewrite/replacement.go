package rewrite

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/restore"
)

// replacement changes the texts of some fields by a map.
type replacement struct {
	rule string
	// what the map is about, in plural, for a note about a pair that matches nothing.
	what string
	rows []row
	// replace returns the new text, and the old side of the pair that it is by.
	replace func(text string) (after, by string, ok bool)
	// elsewhere is the key of fields in other kinds that hold the same, which stay and are told.
	elsewhere string
	unused    map[string]bool
	notes     []restore.Note
}

// replacements are those that were asked for.
func (c Changes) replacements() ([]*replacement, error) {
	var list []*replacement
	if !c.Images.Empty() {
		r := &replacement{
			rule: "image-map", what: "images", replace: c.Images.replace, elsewhere: "image", unused: make(map[string]bool),
		}
		for _, pair := range c.Images.pairs {
			r.unused[pair.from] = true
		}
		if err := r.look(inPods(imageFields)); err != nil {
			return nil, err
		}
		list = append(list, r)
	}

	if !c.StorageClasses.Empty() {
		r := &replacement{
			rule: "storage-class-map", what: "storage classes of claims and volumes", replace: c.StorageClasses.replace,
			elsewhere: "storageClassName", unused: make(map[string]bool),
		}
		for from := range c.StorageClasses.to {
			r.unused[from] = true
		}
		if err := r.look(slices.Concat(classFields, inPods(podClassFields))); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// inPods puts fields of a Pod into all kinds that have Pods.
func inPods(fields []Field) []Field {
	var all []Field
	for _, kind := range slices.Sorted(maps.Keys(podTemplates)) {
		for _, f := range fields {
			f.Kind, f.Path = kind, podTemplates[kind]+"."+f.Path
			all = append(all, f)
		}
	}
	return all
}

func (r *replacement) look(fields []Field) error {
	for _, f := range fields {
		made, err := newRow(f)
		if err != nil {
			return fmt.Errorf("the field %s of %s: %w", f.Path, f.Kind, err)
		}
		r.rows = append(r.rows, made)
	}
	return nil
}

// apply changes all objects of a point.
func (r *replacement) apply(p restore.Point) restore.Point {
	p.Objects = p.Objects.Clone()
	for i, o := range p.Objects.All() {
		p.Objects.Set(i, r.object(o))
	}

	for _, from := range slices.Sorted(maps.Keys(r.unused)) {
		r.notes = append(r.notes, restore.Note{
			Kind: restore.NoteChange, What: fmt.Sprintf("no %s of the restore point are changed by the pair for %s", r.what, from),
		})
	}
	p.Notes = slices.Concat(p.Notes, r.notes)
	return p
}

func (r *replacement) object(o restore.Object) restore.Object {
	c := &changing{Object: o}
	c.Rewritten = slices.Clone(o.Rewritten)
	for _, row := range r.rows {
		if !row.about(o.ID.GroupKind()) {
			continue
		}
		content, changed := row.path.edit(c.Content, func(s spot) (string, bool) {
			after, by, ok := r.replace(s.value)
			if !ok || c.done[s.at()] {
				return "", false
			}
			delete(r.unused, by)
			c.note(r.rule, s.at(), becomes(s.value, after, row.Reason))
			return after, true
		})
		if changed {
			c.Content, _ = content.(map[string]any)
		}
	}

	slices.SortFunc(c.Rewritten[len(o.Rewritten):], func(a, b compat.Change) int { return strings.Compare(a.Path, b.Path) })
	if places := r.others(c.Content, place{}, c.done, nil); len(places) > 0 {
		r.notes = append(r.notes, restore.Note{
			Kind: restore.NoteChange, Object: o.ID,
			What: "not changed, because only built-in kinds are, though the map could mean it: " + appbur.Shortlist(places, shownMentions),
		})
	}
	return c.Object
}

// others finds fields of the same name in places that no row is about.
func (r *replacement) others(value any, p place, done map[string]bool, places []string) []string {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if p.at != "" || key != "status" && key != "metadata" {
				places = r.others(v[key], place{at: appbur.JoinKey(p.at, key), key: key}, done, places)
			}
		}
	case []any:
		for i, inner := range v {
			places = r.others(inner, place{at: fmt.Sprintf("%s[%d]", p.at, i), key: p.key}, done, places)
		}
	case string:
		if !done[p.at] && strings.EqualFold(p.key, r.elsewhere) {
			if _, _, ok := r.replace(v); ok {
				places = append(places, p.at)
			}
		}
	}
	return places
}
