package accessrules

import (
	"maps"
	"slices"
)

// Account is the ServiceAccount that is to do the work. Its roles and their bindings have its name.
type Account struct{ Namespace, Name string }

// Object is an object of RBAC, or the ServiceAccount.
type Object struct {
	APIVersion string    `json:"apiVersion" yaml:"apiVersion"`
	Kind       string    `json:"kind" yaml:"kind"`
	Metadata   Metadata  `json:"metadata" yaml:"metadata"`
	Rules      []Rule    `json:"rules,omitempty" yaml:"rules,omitempty"`
	RoleRef    *RoleRef  `json:"roleRef,omitempty" yaml:"roleRef,omitempty"`
	Subjects   []Subject `json:"subjects,omitempty" yaml:"subjects,omitempty"`
	// reasons are those of the rules.
	reasons []string
}

// Metadata is what names an object.
type Metadata struct {
	Name      string `json:"name" yaml:"name"`
	Namespace string `json:"namespace,omitempty" yaml:"namespace,omitempty"`
}

// Rule is a PolicyRule.
type Rule struct {
	Groups    []string `json:"apiGroups,omitempty" yaml:"apiGroups,omitempty,flow"`
	Resources []string `json:"resources,omitempty" yaml:"resources,omitempty"`
	Names     []string `json:"resourceNames,omitempty" yaml:"resourceNames,omitempty,flow"`
	Paths     []string `json:"nonResourceURLs,omitempty" yaml:"nonResourceURLs,omitempty,flow"`
	Verbs     []string `json:"verbs" yaml:"verbs,flow"`
}

// RoleRef is the role of a binding.
type RoleRef struct {
	APIGroup string `json:"apiGroup" yaml:"apiGroup"`
	Kind     string `json:"kind" yaml:"kind"`
	Name     string `json:"name" yaml:"name"`
}

// Subject is who is bound.
type Subject struct {
	Kind      string `json:"kind" yaml:"kind"`
	Name      string `json:"name" yaml:"name"`
	Namespace string `json:"namespace" yaml:"namespace"`
}

const rbacGroup = "rbac.authorization.k8s.io"

// Objects returns the account and all that it needs for the work: a role of the cluster, and one in
// each namespace in which something is allowed there only.
func Objects(account Account, work Work) []Object {
	if work.Lease.Namespace == "" {
		work.Lease.Namespace = account.Namespace
	}
	objects := []Object{{APIVersion: "v1", Kind: "ServiceAccount", Metadata: Metadata{Name: account.Name, Namespace: account.Namespace}}}
	byNamespace := make(map[string][]right)
	for _, r := range work.rights() {
		byNamespace[r.namespace] = append(byNamespace[r.namespace], r)
	}
	for _, namespace := range slices.Sorted(maps.Keys(byNamespace)) {
		objects = append(objects, account.role(namespace, rulesOf(byNamespace[namespace]))...)
	}
	return objects
}

// role returns a role and its binding, of a namespace or, where that is "", of the cluster.
func (a Account) role(namespace string, rules []ruled) []Object {
	kind := "Role"
	if namespace == "" {
		kind = "ClusterRole"
	}
	role := Object{APIVersion: rbacGroup + "/v1", Kind: kind, Metadata: Metadata{Name: a.Name, Namespace: namespace}}
	binding := role
	for _, rule := range rules {
		role.Rules, role.reasons = append(role.Rules, rule.Rule), append(role.reasons, rule.why)
	}

	binding.Kind += "Binding"
	binding.RoleRef = &RoleRef{APIGroup: rbacGroup, Kind: kind, Name: a.Name}
	binding.Subjects = []Subject{{Kind: "ServiceAccount", Name: a.Name, Namespace: a.Namespace}}
	return []Object{role, binding}
}
