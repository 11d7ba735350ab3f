package manifest

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// identity is an object with everything that field rules of users may not take: what
// names an object, and what the built-in rules know better.
func identity() map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Thing",
		"metadata": map[string]any{
			"name": "n", "namespace": "n", "uid": "u", "resourceVersion": "1", "generation": int64(1), "creationTimestamp": "t",
			"deletionTimestamp": "t", "deletionGracePeriodSeconds": int64(1), "generateName": "n", "selfLink": "l",
			"ownerReferences": []any{map[string]any{"uid": "u", "name": "n", "kind": "Thing", "apiVersion": "v1"}},
			"managedFields":   []any{map[string]any{"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsV1": map[string]any{}}},
		},
	}
}

// sparesIdentity tries the rule, without its condition, on an object that consists
// of identity alone.
func (r *policyReader) sparesIdentity(node *yaml.Node, rule FieldRule) bool {
	spared := true
	t := taker{object: &object{}, rule: &FieldRule{Path: rule.Path, Index: true, steps: rule.steps}, report: func(t Taken) {
		if spared {
			r.fail(node, "below metadata, rules may be about annotations, labels and finalizers only; identity is left to the built-in rules",
				"path %s takes %s", rule.Path, t.Path)
		}
		spared = false
	}}
	t.take(identity(), rule.steps)
	return spared
}

// leavesReadable refuses secrets where a sealed manifest must stay readable: a file
// is found by what names its object, and selected by its labels.
func (r *policyReader) leavesReadable(node *yaml.Node, path string, steps []step) bool {
	obj := identity()
	metadata := obj["metadata"].(map[string]any) //nolint:forcetypeassert // identity makes it
	metadata["labels"] = map[string]any{}
	metadata["finalizers"] = []any{"f"}
	if steps[0].key == "metadata" && len(steps) > 1 && steps[1].key == "labels" || len(secretsBelow(obj, steps, nil, nil)) > 0 {
		r.fail(node, "below metadata, single annotations may be sensitive, named as metadata.annotations[\"name\"]",
			"path %s would seal what names or selects the object", path)
		return false
	}
	return true
}

// contradictions finds entries that cannot both be meant.
func (r *policyReader) contradictions(p Policy) {
	for _, list := range [][]policySelection{p.include, p.exclude} {
		for i, e := range list {
			for _, earlier := range list[:i] {
				if earlier.selection.String() == e.selection.String() {
					r.failLine(e.line, "keep one of the two", "it selects the same as line %d", earlier.line)
				}
			}
		}
	}

	for _, in := range p.include {
		for _, out := range p.exclude {
			switch {
			case in.selection.String() == out.selection.String():
				r.failLine(in.line, "remove one of the two; exclude would win", "it includes what line %d excludes", out.line)
			case out.selection.covers(in.selection):
				r.failLine(in.line, "narrow what is excluded; exclude would win", "line %d excludes all that it includes", out.line)
			}
		}
		for _, kind := range in.selection.Kinds {
			gk, err := appbur.ParseGroupKind(kind)
			if err != nil || strings.ContainsAny(kind, "*?") {
				continue
			}
			if decision, excluded := Default().ExcludesKind(gk); excluded {
				r.failLine(in.line, "remove the kind from include", "%s is never saved (rule %s): %s", kind, decision.Rule, decision.Reason)
			}
		}
	}

	for i, rule := range p.fields {
		for _, earlier := range p.fields[:i] {
			if rule.Path != earlier.Path || !overlap(rule.Kinds, earlier.Kinds) {
				continue
			}
			if rule.Index != earlier.Index {
				r.failLine(rule.line, "decide for one of the two", "it drops or indexes %s otherwise than line %d does", rule.Path, earlier.line)
			}
		}
	}
}

func overlap(kinds, others []string) bool {
	return slices.ContainsFunc(kinds, func(kind string) bool {
		return slices.ContainsFunc(others, func(other string) bool { return wider(kind, other) || wider(other, kind) })
	})
}
