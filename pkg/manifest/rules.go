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
const formatVersion = "2"

// Set is a list of rules as data. [NewRules] makes it usable.
type Set struct {
	Objects []ObjectRule
	Fields  []FieldRule
	// Secrets say which values must be sealed.
	Secrets []SecretRule
}

// Rules is a checked set of rules. It is safe for concurrent use.
type Rules struct {
	set     Set
	version string

	mutex sync.RWMutex
	kinds map[appbur.GroupKind]*kindRules
}

// NewRules checks a set: ids are unique, everything has a reason and a source, kinds
// and paths can be read.
func NewRules(set Set) (*Rules, error) {
	r := &Rules{
		set:   Set{Objects: slices.Clone(set.Objects), Fields: slices.Clone(set.Fields), Secrets: slices.Clone(set.Secrets)},
		kinds: make(map[appbur.GroupKind]*kindRules),
	}

	c := checker{seen: make(map[string]bool)}
	for _, rule := range r.set.Objects {
		if err := c.check(rule.ID, rule.Reason, rule.Source, rule.Kinds, rule.When); err != nil {
			return nil, err
		}
		if rule.Effect != Exclude && rule.Effect != Save {
			return nil, fmt.Errorf("rule %s: effect %q is neither %s nor %s", rule.ID, rule.Effect, Exclude, Save)
		}
	}

	var err error
	for i := range r.set.Fields {
		rule := &r.set.Fields[i]
		if rule.steps, err = c.steps(rule.ID, rule.Reason, rule.Source, rule.Kinds, rule.When, rule.Path); err != nil {
			return nil, err
		}
	}

	for i := range r.set.Secrets {
		rule := &r.set.Secrets[i]
		if rule.steps, err = c.steps(rule.ID, rule.Reason, rule.Source, rule.Kinds, rule.When, rule.Path); err != nil {
			return nil, err
		}
		if rule.Always && (len(rule.steps) != 1 || !rule.steps[0].plain()) {
			return nil, fmt.Errorf("rule %s: only a single key can be sealed always", rule.ID)
		}
		rule.always = []string{rule.steps[0].key}
	}

	r.version = formatVersion + "-" + appbur.DigestOf([]byte(r.String())).Short()
	return r, nil
}

// checker checks what all rules have in common.
type checker struct{ seen map[string]bool }

func (c checker) check(id, reason, source string, kinds []string, when Condition) error {
	switch {
	case id == "" || strings.ContainsAny(id, " :\n"):
		return fmt.Errorf("rule %q: the id is empty or has white space or a colon", id)
	case c.seen[id]:
		return fmt.Errorf("rule %s: the id is taken", id)
	case reason == "":
		return fmt.Errorf("rule %s has no reason", id)
	case source == "":
		return fmt.Errorf("rule %s has no source", id)
	case len(kinds) == 0:
		return fmt.Errorf("rule %s selects no kind", id)
	}

	c.seen[id] = true
	if err := checkKinds(kinds); err != nil {
		return fmt.Errorf("rule %s: %w", id, err)
	}
	if err := checkCondition(when); err != nil {
		return fmt.Errorf("rule %s: %w", id, err)
	}
	return nil
}

func (c checker) steps(id, reason, source string, kinds []string, when Condition, path string) ([]step, error) {
	if err := c.check(id, reason, source, kinds, when); err != nil {
		return nil, err
	}
	steps, err := parsePath(path)
	if err != nil {
		return nil, fmt.Errorf("rule %s: %w", id, err)
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("rule %s has no path", id)
	}
	return steps, nil
}

// Default returns the rules that appbur uses without a policy.
func Default() *Rules { return defaultRules() }

var defaultRules = sync.OnceValue(func() *Rules {
	rules, err := NewRules(Set{
		Objects: defaultObjectRules(),
		Fields:  defaultFieldRules(),
		Secrets: defaultSecretRules(),
	})
	if err != nil {
		panic("internal error: default rules: " + err.Error())
	}
	return rules
})

// Version identifies the rules: equal versions make equal manifests of equal
// objects. It is recorded in commits.
func (r *Rules) Version() string { return r.version }

// Objects returns the object rules in the order in which they are tried.
func (r *Rules) Objects() []ObjectRule { return slices.Clone(r.set.Objects) }

// Fields returns the field rules in the order in which they are applied, but for
// those that drop elements of lists as noise, which come before all others.
func (r *Rules) Fields() []FieldRule { return slices.Clone(r.set.Fields) }

// Secrets returns the rules about secret values.
func (r *Rules) Secrets() []SecretRule { return slices.Clone(r.set.Secrets) }

// String lists all rules, one per line, without their reasons.
func (r *Rules) String() string {
	var b strings.Builder
	for _, rule := range r.set.Objects {
		b.WriteString(rule.String() + "\n")
	}
	for _, rule := range r.set.Fields {
		b.WriteString(rule.String() + "\n")
	}
	for _, rule := range r.set.Secrets {
		b.WriteString(rule.String() + "\n")
	}
	return b.String()
}

// ExcludesKind reports whether no object of the kind can ever be saved, so that
// there is no need to read any, and by which rule.
func (r *Rules) ExcludesKind(gk appbur.GroupKind) (Decision, bool) {
	for _, rule := range r.forKind(gk).objects {
		switch always, never := reach(rule.When, gk); {
		case always:
			return decisionOf(rule), rule.Effect == Exclude
		case rule.Effect == Save && !never:
			return Decision{}, false
		}
	}
	return Decision{}, false
}

// reach says what is known of a condition from the kind of an object alone: that it
// holds for all objects of the kind, or for none.
func reach(c Condition, gk appbur.GroupKind) (always, never bool) {
	switch c := c.(type) {
	case nil:
		return true, false
	case Not:
		always, never = reach(c.Condition, gk)
		return never, always

	case Any:
		never = true
		for _, each := range c {
			a, n := reach(each, gk)
			always, never = always || a, never && n
		}
		return always, never
	case interface {
		reaches(gk appbur.GroupKind) bool
	}:
		return false, !c.reaches(gk)
	default:
		return false, false
	}
}

// Make turns a live object, as read from the API server, into a portable manifest
// and its index entry, or into a decision not to save it. obj is not modified and
// may be a manifest itself. An error means that obj is no Kubernetes object.
func (r *Rules) Make(obj map[string]any) (result Result, err error) {
	err = appbur.Guard(func() error {
		result, err = r.makeOne(obj)
		return err
	})
	return result, err
}

func (r *Rules) makeOne(obj map[string]any) (Result, error) {
	o, err := newObject(obj)
	if err != nil {
		return Result{}, err
	}
	kind := r.forKind(o.id.GroupKind())
	result := Result{Manifest: Manifest{ID: o.id, APIVersion: o.apiVersion}}
	result.Decision = kind.decide(o)
	if !result.Decision.Saved {
		return result, nil
	}

	entry, err := harvest(o)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", o.id, err)
	}
	secret := kind.secretPaths(o, o.content)
	if len(secret) > 0 {
		entry.withoutSetValues()
	}
	content := kind.strip(o, false, func(t Taken) {
		if err == nil {
			err = entry.keep(t, secret)
		}
	})
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", o.id, err)
	}
	if result.Manifest.Data, err = Encode(content); err != nil {
		return Result{}, fmt.Errorf("%s: %w", o.id, err)
	}
	if len(secret) > 0 {
		result.Manifest.SecretPaths = kind.secretPaths(o, content)
	}
	result.Manifest.Sensitive = len(result.Manifest.SecretPaths) > 0
	result.Entry = entry
	return result, nil
}

// Decide says whether an object would be saved, without making its manifest.
func (r *Rules) Decide(obj map[string]any) (Decision, error) {
	o, err := newObject(obj)
	if err != nil {
		return Decision{}, err
	}
	return r.forKind(o.id.GroupKind()).decide(o), nil
}

// Explain lists what the field rules take out of an object, sorted by path. It
// answers for objects that are not saved, too.
func (r *Rules) Explain(obj map[string]any) ([]Taken, error) {
	o, err := newObject(obj)
	if err != nil {
		return nil, err
	}
	var taken []Taken
	r.forKind(o.id.GroupKind()).strip(o, true, func(t Taken) { taken = append(taken, t) })
	slices.SortStableFunc(taken, func(a, b Taken) int { return strings.Compare(a.Path, b.Path) })
	return taken, nil
}
