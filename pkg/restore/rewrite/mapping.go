package rewrite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

// ruleNamespace is the rule of all changes by a namespace map.
const ruleNamespace = "namespace-map"

// UnknownNamespaceError says that a map is about namespaces that the point does not have. A
// typing mistake would look like success otherwise.
type UnknownNamespaceError struct{ Names, Held []string }

func (e *UnknownNamespaceError) Error() string {
	return "the restore point, as far as it is selected, holds nothing in the namespace " + strings.Join(e.Names, ", ")
}

// mapping is a namespace map at work.
type mapping struct {
	to map[string]string
	// beside are old namespaces, and originals objects, that are the target's own.
	beside    map[string]bool
	originals map[appbur.ObjectID]bool
	rows      []row
	// ofKind are the rows about a kind.
	ofKind   map[appbur.GroupKind][]row
	mentions mentions
	notes    []restore.Note
}

func newMapping(c Changes) (*mapping, error) {
	m := &mapping{
		to: c.Namespaces.to, beside: make(map[string]bool), originals: c.Originals, ofKind: make(map[appbur.GroupKind][]row),
	}
	for _, f := range slices.Concat(NamespaceFields(), c.Fields) {
		r, err := newRow(f)
		if err != nil {
			return nil, fmt.Errorf("the field %s of %s: %w", f.Path, f.Kind, err)
		}
		m.rows = append(m.rows, r)
	}

	for name, there := range c.Beside {
		// A name that the map gives away again belongs to nobody else.
		m.beside[name] = there && !c.Namespaces.made(name)
	}
	m.mentions = newMentions(c.Namespaces)
	return m, nil
}

func (m *mapping) apply(p restore.Point) (restore.Point, error) {
	if err := m.known(p); err != nil {
		return restore.Point{}, err
	}

	arrivals := newArrivals()
	for _, o := range p.Objects.All() {
		if after, ok := m.object(o); ok {
			arrivals.add(o, after)
		}
	}
	kept, notes, err := arrivals.settle()
	if err != nil {
		return restore.Point{}, err
	}

	changed := p
	changed.Objects, changed.Index = restore.Objects{}, make(map[appbur.ObjectID]manifest.Entry, len(kept))
	changed.Notes = slices.Concat(p.Notes, m.notes, notes)
	renamed := make(map[appbur.ObjectID]appbur.ObjectID)
	for _, a := range kept {
		renamed[a.before] = a.after.ID
	}

	for _, a := range kept {
		if need := a.after.Need; need != nil {
			if to, moved := renamed[need.By]; moved {
				a.after.Need = &restore.Need{As: need.As, By: to}
			}
		}
		changed.Objects.Add(a.after)
		if entry, ok := p.Index[a.before]; ok {
			changed.Index[a.after.ID] = entry
		}
	}
	return changed, nil
}

// known refuses names that the point does not have.
func (m *mapping) known(p restore.Point) error {
	held := make(map[string]bool)
	for _, id := range p.Objects.IDs() {
		if id.GroupKind() == kindNamespace {
			held[id.Name] = true
		}
		if id.Namespace != "" {
			held[id.Namespace] = true
		}
	}

	e := &UnknownNamespaceError{}
	for name := range m.to {
		if !held[name] {
			e.Names = append(e.Names, name)
		}
	}
	if len(e.Names) == 0 {
		return nil
	}
	for name := range held {
		e.Held = append(e.Held, name)
	}
	slices.Sort(e.Names)
	slices.Sort(e.Held)
	return e
}

// object changes one object. It reports false for one that is left out.
func (m *mapping) object(o restore.Object) (restore.Object, bool) {
	c := &changing{Object: o}
	c.Rewritten = slices.Clone(o.Rewritten)
	moved := m.move(c)

	touched := m.references(c)
	if !moved && len(touched) > 0 && m.originals[o.ID] {
		return m.leave(o, c, touched)
	}

	if m.mentions.any(c.Content) || c.ID.GroupKind() == kindSecret { // whose values are encoded
		m.tell(c, moved)
	}
	return c.Object, true
}

// move gives a namespace, and what lies in it, the new name.
func (m *mapping) move(c *changing) bool {
	if to, ok := m.to[c.ID.Name]; ok && c.ID.GroupKind() == kindNamespace {
		const label = "kubernetes.io/metadata.name"
		if text(c.Content, "metadata", "labels", label) == c.ID.Name {
			c.setMetadata(to, "labels", label)
			c.note(ruleNamespace, appbur.JoinKey("metadata.labels", label), becomes(c.ID.Name, to, "the server gives every namespace its name"))
		}
		c.setMetadata(to, "name")
		c.note(ruleNamespace, "metadata.name", becomes(c.ID.Name, to, "the namespace itself"))
		c.ID.Name = to
		return true
	}

	to, ok := m.to[c.ID.Namespace]
	if !ok || c.ID.Namespace == "" {
		return false
	}
	c.setMetadata(to, "namespace")
	c.note(ruleNamespace, "metadata.namespace", becomes(c.ID.Namespace, to, "it lies in it"))
	c.ID.Namespace = to
	return true
}

// references changes the fields of the table, and returns the namespaces that they named. It looks
// at the few texts that have one of the names in them, and asks for each which row leads there.
func (m *mapping) references(c *changing) []string {
	var touched []string
	first := len(c.Rewritten)
	rows := m.about(c.ID.GroupKind())
	m.mentions.spots(c.Content, spot{}, func(s spot) {
		steps := s.steps()
		for _, r := range rows {
			before, namespace, after, ok := r.form(s.value)
			to, mapped := m.to[namespace]
			if !ok || !mapped || !r.path.leadsTo(steps) || !r.meant(s.around) {
				continue
			}
			touched = append(touched, namespace)
			c.note(ruleNamespace, s.at(), becomes(s.value, before+to+after, r.Reason))
			c.Content, _ = replaceAt(c.Content, steps, before+to+after).(map[string]any)
			return
		}
	})

	slices.SortFunc(c.Rewritten[first:], func(a, b compat.Change) int { return strings.Compare(a.Path, b.Path) })
	slices.Sort(touched)
	return slices.Compact(touched)
}

func (m *mapping) about(kind appbur.GroupKind) []row {
	rows, known := m.ofKind[kind]
	if !known {
		for _, r := range m.rows {
			if r.about(kind) {
				rows = append(rows, r)
			}
		}
		m.ofKind[kind] = rows
	}
	return rows
}

func becomes(from, to, why string) string { return fmt.Sprintf("%s becomes %s: %s", from, to, why) }

func (m *mapping) note(id appbur.ObjectID, format string, args ...any) {
	m.notes = append(m.notes, restore.Note{Kind: restore.NoteChange, Object: id, What: fmt.Sprintf(format, args...)})
}
