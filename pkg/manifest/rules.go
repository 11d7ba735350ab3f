package manifest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/appbur/appbur"
)

// formatVersion is raised when the form of manifests or index changes in a way
// that the rules do not show, such as the canonical YAML itself.
const formatVersion = "1"

// Set is a list of rules as data. [NewRules] makes it usable.
type Set struct {
	Objects []ObjectRule
	Fields  []FieldRule
	// Sensitive selects kinds whose manifests must be sealed.
	Sensitive []string
}

// Rules is a checked set of rules. It is safe for concurrent use.
type Rules struct {
	set     Set
	version string

	mutex sync.RWMutex
	kinds map[appbur.GroupKind]*kindRules
}

// NewRules checks a set: ids are unique and everything has a reason, kinds and
// paths can be read.
func NewRules(set Set) (*Rules, error) {
	r := &Rules{
		set:   Set{Objects: slices.Clone(set.Objects), Fields: slices.Clone(set.Fields), Sensitive: slices.Clone(set.Sensitive)},
		kinds: make(map[appbur.GroupKind]*kindRules),
	}
	seen := make(map[string]bool)
	check := func(id, reason string, kinds []string, when Condition) error {
		switch {
		case id == "" || strings.ContainsAny(id, " :\n"):
			return fmt.Errorf("rule %q: the id is empty or has white space or a colon", id)
		case seen[id]:
			return fmt.Errorf("rule %s: the id is taken", id)
		case reason == "":
			return fmt.Errorf("rule %s has no reason", id)
		case len(kinds) == 0:
			return fmt.Errorf("rule %s selects no kind", id)
		}
		seen[id] = true
		if err := checkKinds(kinds); err != nil {
			return fmt.Errorf("rule %s: %w", id, err)
		}
		if err := checkCondition(when); err != nil {
			return fmt.Errorf("rule %s: %w", id, err)
		}
		return nil
	}
	for _, rule := range r.set.Objects {
		if err := check(rule.ID, rule.Reason, rule.Kinds, rule.When); err != nil {
			return nil, err
		}
		if rule.Effect != Exclude && rule.Effect != Save {
			return nil, fmt.Errorf("rule %s: effect %q is neither %s nor %s", rule.ID, rule.Effect, Exclude, Save)
		}
	}
	for i := range r.set.Fields {
		rule := &r.set.Fields[i]
		if err := check(rule.ID, rule.Reason, rule.Kinds, rule.When); err != nil {
			return nil, err
		}
		var err error
		if rule.steps, err = parsePath(rule.Path); err != nil {
			return nil, fmt.Errorf("rule %s: %w", rule.ID, err)
		}
		if len(rule.steps) == 0 {
			return nil, fmt.Errorf("rule %s has no path", rule.ID)
		}
	}
	if err := checkKinds(r.set.Sensitive); err != nil {
		return nil, fmt.Errorf("sensitive kinds: %w", err)
	}
	r.version = formatVersion + "-" + appbur.DigestOf([]byte(r.String())).Short()
	return r, nil
}

// Default returns the rules that appbur uses when nobody says otherwise.
func Default() *Rules { return defaultRules() }

var defaultRules = sync.OnceValue(func() *Rules {
	rules, err := NewRules(Set{
		Objects:   defaultObjectRules(),
		Fields:    defaultFieldRules(),
		Sensitive: []string{"Secret"},
	})
	if err != nil {
		panic("internal error: default rules: " + err.Error())
	}
	return rules
})

// Version identifies the rules: equal versions make equal manifests of equal
// objects. It is recorded in commits.
func (r *Rules) Version() string { return r.version }

// Objects returns the object rules in the order in which they are asked.
func (r *Rules) Objects() []ObjectRule { return slices.Clone(r.set.Objects) }

// Fields returns the field rules in the order in which they are applied.
func (r *Rules) Fields() []FieldRule { return slices.Clone(r.set.Fields) }

// String lists all rules, one per line, without their reasons.
func (r *Rules) String() string {
	var b strings.Builder
	for _, rule := range r.set.Objects {
		b.WriteString(rule.String() + "\n")
	}
	for _, rule := range r.set.Fields {
		b.WriteString(rule.String() + "\n")
	}
	fmt.Fprintf(&b, "sensitive: %s\n", strings.Join(r.set.Sensitive, ", "))
	return b.String()
}

// ExcludesKind reports whether no object of the kind can ever be saved, so that
// there is no need to read any, and by which rule.
func (r *Rules) ExcludesKind(gk appbur.GroupKind) (Decision, bool) {
	for _, rule := range r.forKind(gk).objects {
		if rule.When == nil {
			return decisionOf(rule), rule.Effect == Exclude
		}
		if rule.Effect == Save {
			return Decision{}, false
		}
	}
	return Decision{}, false
}

// kindRules are the rules that are about one kind.
type kindRules struct {
	objects   []*ObjectRule
	fields    []*FieldRule
	sensitive bool
	custom    bool
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
	kind = &kindRules{sensitive: about(r.set.Sensitive), custom: !IsBuiltIn(gk.Group)}
	for i := range r.set.Objects {
		if about(r.set.Objects[i].Kinds) {
			kind.objects = append(kind.objects, &r.set.Objects[i])
		}
	}
	for i := range r.set.Fields {
		if about(r.set.Fields[i].Kinds) {
			kind.fields = append(kind.fields, &r.set.Fields[i])
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
	return Decision{Saved: rule.Effect == Save, Rule: rule.ID, Reason: rule.Reason}
}

// strip returns the content without what the field rules take. The content of the
// object is shared where it is unchanged and never modified. What indexed rules
// take is reported, and what the others take when all is true.
func (k *kindRules) strip(o *object, all bool, report func(Taken)) map[string]any {
	content := o.content
	taker := taker{object: o, report: report, all: all}
	for _, rule := range k.fields {
		taker.rule = rule
		if changed, ok := taker.take(content, rule.steps).(map[string]any); ok {
			content = changed
		}
	}
	return content
}
