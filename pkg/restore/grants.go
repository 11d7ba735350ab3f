package restore

import (
	"context"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// An API server lets nobody make a role with rights that he does not have himself, nor bind
// one (pkg/registry/rbac, escalation_check.go), unless he may escalate or bind. This is told
// in advance, because the answer of the server comes after other objects were written.

// Grant is an object that would give rights which the account does not have.
type Grant struct {
	Object appbur.ObjectID `json:"object"`
	// Verb is the right that makes up for them: escalate or bind.
	Verb string `json:"verb"`
	// Lacking are the rights, in words.
	Lacking []string `json:"lacking"`
}

var (
	kindClusterRole = appbur.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}
	kindRole        = appbur.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "Role"}
)

// grants finds the roles and bindings of the plan that the server would refuse.
func (v *rightsReview) grants(ctx context.Context) ([]Grant, error) {
	roles := make(map[appbur.ObjectID]*Step)
	for _, s := range v.plan.Steps {
		if s.Action == ActionApply {
			roles[s.Object] = s
		}
	}

	var found []Grant
	for _, step := range v.plan.Steps {
		if step.Action != ActionApply {
			continue
		}
		grant := Grant{Object: step.Object}
		var rules []any
		switch step.Object.GroupKind() {
		case kindClusterRole, kindRole:
			grant.Verb, rules = "escalate", list(step.Content.Object(), "rules")
		case kindClusterRoleBinding, kindRoleBinding:
			grant.Verb, rules = "bind", v.rulesOf(ctx, step, roles)
		default:
			continue
		}
		for _, namespace := range []string{"", step.Object.Namespace} { // the cluster first: it is one request for all
			held, err := v.rulesIn(ctx, namespace)
			if err != nil {
				return nil, err
			}
			grant.Lacking = lacking(held, rules)
			if v.mayGrant(held, step, grant.Verb) {
				grant.Lacking = nil
			}
			if len(grant.Lacking) == 0 {
				break
			}
		}
		if len(grant.Lacking) == 0 {
			continue
		}
		at, err := v.look(ctx, step)
		if err != nil {
			return nil, err
		}
		if !at.settled {
			found = append(found, grant)
		}
	}
	return found, nil
}

// mayGrant reports whether the account may go beyond its own rights.
func (v *rightsReview) mayGrant(held []accessRule, step *Step, verb string) bool {
	resource, name := strings.ToLower(step.Object.Kind)+"s", step.Object.Name
	if verb == "bind" {
		named := dict(step.Content.Object(), "roleRef")
		resource, name = strings.ToLower(text(named, "kind"))+"s", text(named, "name")
	}
	return allowedBy(held, verb, kindRole.Group, resource, name)
}

// rulesOf returns the rules of the role that a binding names: of the plan, or of the target.
// One that cannot be read is not known, and the server will say it.
func (v *rightsReview) rulesOf(ctx context.Context, binding *Step, roles map[appbur.ObjectID]*Step) []any {
	named := dict(binding.Content.Object(), "roleRef")
	id := appbur.ObjectID{Group: kindRole.Group, Kind: text(named, "kind"), Name: text(named, "name")}
	if id.Kind == kindRole.Kind {
		id.Namespace = binding.Object.Namespace
	}
	if step, ok := roles[id]; ok {
		if content := step.Content.Object(); content["aggregationRule"] == nil {
			return list(content, "rules")
		}
	}
	live, err := v.worker.live(ctx, &stepResult{step: &Step{Object: id, APIVersion: binding.APIVersion}})
	if err != nil {
		return nil
	}
	return list(live, "rules")
}

// lacking returns the rights that some rules give and others do not have, in words.
func lacking(held []accessRule, rules []any) []string {
	var missing []string
	for _, each := range rules {
		rule := readRule(each, "nonResourceURLs")
		names := rule.names
		if len(names) == 0 {
			names = []string{""}
		}
		for _, verb := range rule.verbs {
			for _, path := range rule.paths {
				if !allowsPath(held, verb, path) {
					missing = append(missing, verb+" "+path)
				}
			}
			for _, group := range rule.groups {
				for _, resource := range rule.resources {
					if slices.ContainsFunc(names, func(name string) bool { return !allowedBy(held, verb, group, resource, name) }) {
						missing = append(missing, Right{Verb: verb, Group: group, Resource: resource}.String())
					}
				}
			}
		}
	}

	slices.Sort(missing)
	return slices.Compact(missing)
}
