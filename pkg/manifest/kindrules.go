package manifest

import (
	"slices"

	"github.com/appbur/appbur"
)

// kindRules are the rules that are about one kind.
type kindRules struct {
	objects []*ObjectRule
	fields  []fieldGroup
	secrets []*SecretRule
}

func (r *Rules) forKind(gk appbur.GroupKind) *kindRules {
	r.mutex.RLock()
	kind, ok := r.kinds[gk]
	r.mutex.RUnlock()
	if ok {
		return kind
	}
	about := func(kinds []string) bool {
		return slices.ContainsFunc(kinds, func(selector string) bool { return selects(selector, gk) })
	}

	kind = &kindRules{}
	for i := range r.set.Objects {
		if about(r.set.Objects[i].Kinds) {
			kind.objects = append(kind.objects, &r.set.Objects[i])
		}
	}

	// Noise in lists goes first: the positions in the index then count what a manifest
	// and its entry have together, so that the two can be put together again.
	var first, then []*FieldRule
	for i := range r.set.Fields {
		switch rule := &r.set.Fields[i]; {
		case !about(rule.Kinds):
		case rule.elements() && !rule.Index:
			first = append(first, rule)
		default:
			then = append(then, rule)
		}
	}

	kind.fields = append(groupFields(first), fieldGroup{renumber: true})
	kind.fields = append(kind.fields, groupFields(then)...)
	for i := range r.set.Secrets {
		if about(r.set.Secrets[i].Kinds) {
			kind.secrets = append(kind.secrets, &r.set.Secrets[i])
		}
	}

	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.kinds[gk] = kind
	return kind
}

func (k *kindRules) decide(o *object) Decision {
	whole := subject{object: o, value: o.content}
	for _, rule := range k.objects {
		if rule.When == nil || rule.When.holds(whole) {
			return decisionOf(rule)
		}
	}
	return Decision{Saved: true}
}

func decisionOf(rule *ObjectRule) Decision {
	return Decision{Saved: rule.Effect == Save, Rule: rule.ID, Reason: rule.Reason, Source: rule.Source}
}

// fieldGroup is a run of field rules. Most rules are about one key of one map, and
// most objects have few of those keys, so rules with the same map are kept together:
// the map is looked up once, and if it has none of the keys, no rule is tried.
type fieldGroup struct {
	rules []*FieldRule
	// parent leads to the map and keys are the keys of the rules in it; keys is nil
	// for a rule of any other form.
	parent []string
	keys   map[string]bool
	// renumber is true of the group without rules that separates the noise in lists
	// from the rest.
	renumber bool
}

func groupFields(rules []*FieldRule) []fieldGroup {
	var groups []fieldGroup
	for _, rule := range rules {
		parent, key, simple := simplePath(rule.steps)
		if !simple {
			groups = append(groups, fieldGroup{rules: []*FieldRule{rule}})
			continue
		}
		if last := len(groups) - 1; last >= 0 && groups[last].keys != nil && slices.Equal(groups[last].parent, parent) {
			groups[last].rules = append(groups[last].rules, rule)
			groups[last].keys[key] = true
			continue
		}
		groups = append(groups, fieldGroup{rules: []*FieldRule{rule}, parent: parent, keys: map[string]bool{key: true}})
	}
	return groups
}

// simplePath splits a path that begins with single keys: parent is all of these but
// the last, key is the last.
func simplePath(steps []step) (parent []string, key string, simple bool) {
	for _, s := range steps {
		if !s.plain() {
			break
		}
		parent = append(parent, s.key)
	}
	if len(parent) == 0 {
		return nil, "", false
	}
	return parent[:len(parent)-1], parent[len(parent)-1], true
}

// idle reports whether none of the rules can take anything out of the content.
func (g *fieldGroup) idle(content map[string]any) bool {
	if g.keys == nil {
		return false
	}
	for _, key := range g.parent {
		content, _ = content[key].(map[string]any)
	}

	if len(content) > len(g.keys) {
		for key := range g.keys {
			if _, ok := content[key]; ok {
				return false
			}
		}
		return true
	}

	for key := range content {
		if g.keys[key] {
			return false
		}
	}
	return true
}

// strip returns the content without what the field rules take. The content of the
// object is shared where it is unchanged and never modified. What indexed rules
// take is reported, and what the others take when all is true.
func (k *kindRules) strip(o *object, all bool, report func(Taken)) map[string]any {
	content := o.content
	taker := taker{object: o, report: report, all: all}

	for i := range k.fields {
		group := &k.fields[i]
		if group.renumber {
			taker.origins = nil
			continue
		}
		if group.idle(content) {
			continue
		}
		for _, rule := range group.rules {
			taker.rule = rule
			if changed, ok := taker.take(content, rule.steps).(map[string]any); ok {
				content = changed
			}
		}
	}

	return content
}
