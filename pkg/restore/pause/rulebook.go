package pause

import (
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// ruleBook finds the rule for an object of a point.
type ruleBook struct {
	rules []Rule
	kinds kinds
	// ofKind are the rules that are about a kind.
	ofKind map[appbur.GroupKind][]Rule
}

func (p Pauses) ruleBook(point restore.Point) *ruleBook {
	return &ruleBook{slices.Concat(p.Rules, Rules()), kindsOf(point), make(map[appbur.GroupKind][]Rule)}
}

// about returns the first rule that is about an object and that its kind has the fields for. A rule
// without settings is one that the kind has no fields for.
func (b *ruleBook) about(o restore.Object) (rule Rule, ok bool) {
	for _, r := range b.of(o.ID.GroupKind()) {
		if !r.means(o) {
			continue
		}
		if r.Leave {
			return r, false
		}
		if r.Set = b.kinds.usable(o, r.Set); len(r.Set) > 0 {
			return r, true
		}
		rule, ok = r, true
	}
	return rule, ok
}

// of returns the rules that are about a kind. Of most kinds there are none, and their objects need not be read.
func (b *ruleBook) of(kind appbur.GroupKind) []Rule {
	rules, known := b.ofKind[kind]
	if !known {
		for _, r := range b.rules {
			if r.meansKind(kind, b.kinds.categories[kind]) {
				rules = append(rules, r)
			}
		}
		b.ofKind[kind] = rules
	}
	return rules
}

// concerns reports whether an object may be paused, or is in the target as a restore left it.
func (b *ruleBook) concerns(id appbur.ObjectID, t Target) bool {
	_, waiting := t.Waiting[id]
	_, resumed := t.Resumed[id]
	return waiting || resumed || len(b.of(id.GroupKind())) > 0
}

// pausing returns how an object is paused. One that waits in the target is paused as it is there, also
// if that was by a rule which is no longer known.
func (b *ruleBook) pausing(o restore.Object, t Target) (rule Rule, waits, ok bool) {
	text, waits := t.Waiting[o.ID]
	if !waits {
		rule, ok = b.about(o)
		return rule, false, ok
	}
	if m, err := parseMark(text); err == nil && !judged[o.ID.Group] && o.ID.GroupKind() != kindSecret {
		r := Rule{Controller: m.Controller, Stage: m.Stage, Await: m.Await, Reason: "an earlier restore has paused it"}
		for _, f := range m.Fields {
			r.Set = append(r.Set, Setting{Path: f.Path, To: f.Paused})
		}
		if r.Set = b.kinds.usable(o, r.Set); len(r.Set) > 0 {
			return r, true, true
		}
	}
	rule, ok = b.about(o)
	return rule, true, ok
}
