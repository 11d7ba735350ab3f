package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// Policy is what the owner of a repository adds to the built-in rules: the
// section "rules" of appbur.yaml. The zero Policy adds nothing. Any other comes
// from [ParsePolicy] and is valid.
//
//	rules:
//	  include:                     # if present, only this is saved
//	  - kinds: [Deployment.apps, "*.cattle.io"]
//	    namespaces: [fleet-*]
//	  exclude:                     # wins over include
//	  - names: ["*-scratch"]
//	    labels: tier=lab
//	    reason: the lab is recreated every night
//	  fields:
//	  - kinds: [Widget.example.org]
//	    path: spec.peers[role=observer].address
//	    effect: index              # or drop
//	    reason: the controller writes it
//	  sensitive:
//	  - kinds: [ConfigMap]
//	    paths: ['data["*.key"]']
//	  - kinds: [Database.example.org]
//	    paths: [spec.password, 'metadata.annotations["example.org/token"]']
//
// Each entry may say id and reason. Its rule is named "user-" and the id, or the
// section and the number of the entry. All entries but those of include may narrow
// themselves by namespaces, names and labels, too; include and exclude consist of
// that.
//
// Where there is an include section, these are saved, too, unless excluded, because
// nothing could be restored without them: a Namespace that a selection may select
// something in, and a CustomResourceDefinition whose objects it may select.
type Policy struct {
	include, exclude []policySelection
	fields           []FieldRule
	secrets          []SecretRule
}

// policySelection is one entry of include or exclude.
type policySelection struct {
	id, reason string
	line       int
	selection  Selection
}

// IsZero reports whether the policy adds nothing.
func (p Policy) IsZero() bool {
	return len(p.include) == 0 && len(p.exclude) == 0 && len(p.fields) == 0 && len(p.secrets) == 0
}

// ParsePolicy reads the value of the setting "rules". A nil node is the zero Policy.
// The error, if any, joins one error for each thing that is wrong; each begins with
// its line and has a hint.
func ParsePolicy(node *yaml.Node) (Policy, error) {
	var p Policy
	if node == nil || node.IsZero() {
		return p, nil
	}
	if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
		node = node.Content[0]
	}

	r := &policyReader{ids: make(map[string]int)}
	r.settings(node, "rules", map[string]func(*yaml.Node){
		"include":   func(n *yaml.Node) { p.include = r.selections(n, "include") },
		"exclude":   func(n *yaml.Node) { p.exclude = r.selections(n, "exclude") },
		"fields":    func(n *yaml.Node) { p.fields = r.fields(n) },
		"sensitive": func(n *yaml.Node) { p.secrets = r.sensitive(n) },
	})

	r.contradictions(p)
	if len(r.errs) > 0 {
		return Policy{}, errors.Join(r.errs...)
	}
	return p, nil
}

// With returns the rules and those of the policy, which are tried first. What keeps
// secrets out of Git and objects alive comes before a policy and cannot be undone.
func (r *Rules) With(policy Policy) (*Rules, error) {
	if policy.IsZero() {
		return r, nil
	}

	set := Set{
		Objects: slices.Concat(policy.objectRules(), r.set.Objects),
		Secrets: slices.Concat(policy.secrets, r.set.Secrets),
	}
	for _, rule := range r.set.Fields {
		if rule.Safety {
			set.Fields = append(set.Fields, rule)
		}
	}

	set.Fields = append(set.Fields, policy.fields...)
	for _, rule := range r.set.Fields {
		if !rule.Safety {
			set.Fields = append(set.Fields, rule)
		}
	}

	combined, err := NewRules(set)
	if err != nil {
		return nil, fmt.Errorf("rules of %s: %w", appbur.RepositoryFile, err)
	}
	return combined, nil
}

// objectRules make one rule of each exclusion and one of all inclusions together.
func (p Policy) objectRules() []ObjectRule {
	var rules []ObjectRule
	for _, e := range p.exclude {
		rule := ObjectRule{ID: e.id, Effect: Exclude, Kinds: []string{EveryKind}, Reason: e.reason, Source: sourceLine(e.line)}
		if len(e.selection.Kinds) > 0 {
			rule.Kinds = e.selection.Kinds
		}
		rest := e.selection
		rest.Kinds = nil
		if rest.String() != anything {
			rule.When = rest
		}
		rules = append(rules, rule)
	}

	if len(p.include) == 0 {
		return rules
	}
	selections := make([]Selection, len(p.include))

	wanted := make(Any, 0, len(p.include)+1)
	for i, e := range p.include {
		selections[i] = e.selection
		wanted = append(wanted, e.selection)
	}

	return append(rules, ObjectRule{
		ID: userPrefix + "include", Effect: Exclude, Kinds: []string{EveryKind}, When: Not{append(wanted, needed{selections})},
		Reason: "include names what is saved, and this is not among it", Source: sourceLine(p.include[0].line),
	})
}

const userPrefix = "user-"

func sourceLine(line int) string { return appbur.RepositoryFile + " line " + strconv.Itoa(line) }
