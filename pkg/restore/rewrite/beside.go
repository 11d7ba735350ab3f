package rewrite

import (
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// Contested returns the objects outside of the mapped namespaces whose references change. If the
// target has one of them, it may be the original's.
func (c Changes) Contested(p restore.Point) ([]restore.Object, error) {
	if c.Namespaces.Empty() {
		return nil, nil
	}
	m, err := newMapping(c)
	if err != nil {
		return nil, err
	}

	var contested []restore.Object
	for _, o := range p.Objects.All() {
		change := &changing{Object: o}
		if !m.move(change) && len(m.references(change)) > 0 {
			contested = append(contested, o)
		}
	}
	return contested, nil
}

// NameOld reports whether a live object names an old namespace, in a field of the table. A name
// that the map gives away again does not count: who has it may come from this map.
func (c Changes) NameOld(live restore.Object) (bool, error) {
	m, err := newMapping(c)
	if err != nil {
		return false, err
	}
	touched := m.references(&changing{Object: live})
	return slices.ContainsFunc(touched, func(name string) bool { return !c.Namespaces.made(name) }), nil
}

// besideRule says what becomes of an object outside of the mapped namespaces whose references
// would change, and which the target has, naming the original.
type besideRule struct {
	kind   appbur.GroupKind
	reason string
	// split makes a second object for the copy; without it the object is left out.
	split func(before restore.Object, c *changing, to string) bool
}

const rbacGroup = "rbac.authorization.k8s.io"

// besideRules is the table; everything that is not in it is left out.
var besideRules = []besideRule{
	{
		kind:   appbur.GroupKind{Group: rbacGroup, Kind: "ClusterRoleBinding"},
		reason: "bindings add up: a second one gives the copy its rights and takes none", split: splitBinding,
	},
	{
		kind:   appbur.GroupKind{Group: rbacGroup, Kind: "RoleBinding"},
		reason: "bindings add up: a second one gives the copy its rights and takes none", split: splitBinding,
	},
	{
		kind: kindVolume,
		reason: "it holds the data of the original, and two volumes on one disk destroy them; " +
			"the claim of the copy gets a new volume, which is empty",
	},
}

const leftToOriginal = "it belongs to the original, and there can be one only"

// leave decides about an object that belongs to the original.
func (m *mapping) leave(before restore.Object, c *changing, touched []string) (restore.Object, bool) {
	rule := besideRule{reason: leftToOriginal}
	if i := slices.IndexFunc(besideRules, func(r besideRule) bool { return r.kind == before.ID.GroupKind() }); i >= 0 {
		rule = besideRules[i]
	}

	if rule.split != nil && rule.split(before, c, m.names(touched)) {
		m.note(c.ID, "beside %s, which stays as it is for the original of %s: %s", before.ID, strings.Join(touched, ", "), rule.reason)
		return c.Object, true
	}
	m.note(before.ID, "left out, because the one in the target names %s: %s", strings.Join(touched, ", "), rule.reason)
	return restore.Object{}, false
}

// names joins the new names of namespaces.
func (m *mapping) names(old []string) string {
	var names []string
	for _, name := range old {
		names = append(names, m.to[name])
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), "-")
}

// splitBinding makes a binding of another name for those subjects that were mapped. The others
// keep what they have through the original, or have lost it since.
func splitBinding(before restore.Object, c *changing, to string) bool {
	was, _ := before.Content["subjects"].([]any)
	is, _ := c.Content["subjects"].([]any)
	var mapped []any
	for i := range is {
		if !equalText(was[i], is[i], "namespace") || !equalText(was[i], is[i], "name") {
			mapped = append(mapped, is[i])
		}
	}
	if len(mapped) == 0 {
		return false
	}

	name := before.ID.Name + "-" + to
	c.setMetadata(name, "name") // a copy of the content
	c.Content["subjects"] = mapped
	c.ID.Name = name
	c.note(ruleNamespace, "metadata.name", becomes(before.ID.Name, name, "the binding of the original keeps its name and its subjects"))
	if left := len(is) - len(mapped); left > 0 {
		c.note(ruleNamespace, "subjects", "those outside of the map are left out: they have the binding of the original")
	}
	return true
}

func equalText(a, b any, key string) bool { return text(a, key) == text(b, key) }
