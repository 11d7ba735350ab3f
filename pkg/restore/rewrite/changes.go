package rewrite

import (
	"maps"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/restore"
)

// Changes says what becomes of a restore point on its way. The zero value changes nothing.
type Changes struct {
	Namespaces Namespaces
	// Fields are looked for besides those of [NamespaceFields].
	Fields []Field
	// Beside are the old namespaces that the target has: the mapped ones become copies that
	// live beside them, and what is said to the original elsewhere stays true.
	Beside map[string]bool
	// Originals are those of [Changes.Contested] that the target has and that name an old
	// namespace there ([Changes.NameOld]). They are not taken away from it.
	Originals map[appbur.ObjectID]bool
	// Images and StorageClasses are changed wherever built-in kinds name them.
	Images         Images
	StorageClasses StorageClasses
	// Preserve keeps what the old cluster chose, Reassign lets the target choose anew.
	Preserve, Reassign []Assigned
}

// Apply returns the changed point. The error names what contradicts: a namespace that the point
// does not have ([UnknownNamespaceError]), objects that would become one ([CollisionError]).
func (c Changes) Apply(p restore.Point) (restore.Point, error) {
	if !c.Namespaces.Empty() {
		m, err := newMapping(c)
		if err != nil {
			return restore.Point{}, err
		}
		if p, err = m.apply(p); err != nil {
			return restore.Point{}, err
		}
	}

	replacements, err := c.replacements()
	if err != nil {
		return restore.Point{}, err
	}
	for _, r := range replacements {
		p = r.apply(p)
	}
	return c.assign(p)
}

// changing is an object while it is changed.
type changing struct {
	restore.Object
	// done are the fields that have been changed; no field is changed twice.
	done map[string]bool
}

// note records one change.
func (c *changing) note(rule, path, what string) {
	if c.done == nil {
		c.done = make(map[string]bool)
	}
	c.done[path] = true
	c.Rewritten = append(c.Rewritten, compat.Change{Rule: rule, Path: path, What: what})
}

// set replaces a field of metadata, which may be one level deeper.
func (c *changing) setMetadata(value string, keys ...string) {
	content := maps.Clone(c.Content)
	at := content
	for _, key := range append([]string{"metadata"}, keys[:len(keys)-1]...) {
		inner, _ := at[key].(map[string]any)
		inner = maps.Clone(inner)
		if inner == nil {
			inner = make(map[string]any)
		}
		at[key], at = inner, inner
	}
	at[keys[len(keys)-1]] = value
	c.Content = content
}

func text(value any, keys ...string) string {
	for _, key := range keys {
		content, _ := value.(map[string]any)
		value = content[key]
	}
	s, _ := value.(string)
	return s
}

var (
	kindNamespace = appbur.GroupKind{Kind: "Namespace"}
	kindVolume    = appbur.GroupKind{Kind: "PersistentVolume"}
	kindSecret    = appbur.GroupKind{Kind: "Secret"}
	kindService   = appbur.GroupKind{Kind: "Service"}
	kindClaim     = appbur.GroupKind{Kind: "PersistentVolumeClaim"}
)
