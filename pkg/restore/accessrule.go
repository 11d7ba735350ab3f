package restore

import (
	"context"
	"slices"
	"strings"
)

// accessRule is a rule of RBAC: verbs on resources, or on paths that are no resources.
type accessRule struct {
	verbs, groups, resources, names, paths []string
}

// nowhere is a namespace in which nobody has a role: what is allowed there is allowed in the
// whole cluster. A review of rules needs a namespace, which does not have to exist.
const nowhere = "appbur-rights-of-the-cluster"

// rulesIn returns the rules of the account in a namespace, or in the cluster for "".
func (v *rightsReview) rulesIn(ctx context.Context, namespace string) ([]accessRule, error) {
	v.mu.Lock()
	rules, known := v.rules[namespace]
	v.mu.Unlock()
	if known {
		return rules, nil
	}
	in := namespace
	if in == "" {
		in = nowhere
	}
	answer, err := v.review(ctx, "authorization.k8s.io/v1", "SelfSubjectRulesReview", map[string]any{"namespace": in})
	if err != nil {
		return nil, err
	}

	for _, key := range []string{"resourceRules", "nonResourceRules"} {
		for _, rule := range list(answer, "status", key) {
			rules = append(rules, readRule(rule, "nonResourceURLs"))
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rules[namespace] = rules
	return rules, nil
}

// readRule reads a rule of a role, or one of a review.
func readRule(rule any, paths string) accessRule {
	return accessRule{
		verbs: texts(rule, "verbs"), groups: texts(rule, "apiGroups"), resources: texts(rule, "resources"),
		names: texts(rule, "resourceNames"), paths: texts(rule, paths),
	}
}

func texts(value any, key string) []string {
	var all []string
	for _, element := range list(value, key) {
		if s, ok := element.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// allowedBy reports whether some rule allows a verb on a resource, of the name where one is
// given. It follows the authorizer (pkg/apis/rbac, evaluation_helpers.go).
func allowedBy(rules []accessRule, verb, group, resource, name string) bool {
	return slices.ContainsFunc(rules, func(r accessRule) bool {
		return includes(r.verbs, verb) && includes(r.groups, group) && coversResource(r.resources, resource) &&
			(len(r.names) == 0 || name != "" && slices.Contains(r.names, name))
	})
}

// includes reports whether a list of a rule has a value, or * for all.
func includes(all []string, one string) bool {
	return slices.Contains(all, one) || slices.Contains(all, "*")
}

// coversResource is includes for resources, where */sub is the subresource of all.
func coversResource(all []string, resource string) bool {
	if includes(all, resource) {
		return true
	}
	_, sub, isSub := strings.Cut(resource, "/")
	return isSub && slices.Contains(all, "*/"+sub)
}

// allowsPath reports whether some rule allows a verb on a path that is no resource.
func allowsPath(rules []accessRule, verb, path string) bool {
	return slices.ContainsFunc(rules, func(r accessRule) bool {
		return includes(r.verbs, verb) && slices.ContainsFunc(r.paths, func(allowed string) bool {
			beginning, isPattern := strings.CutSuffix(allowed, "*")
			return allowed == path || isPattern && strings.HasPrefix(path, beginning)
		})
	})
}
