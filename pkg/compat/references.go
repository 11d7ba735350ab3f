package compat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// autoscalerTarget renames the API version of what is scaled. The autoscaler
// looks its target up by group, and extensions and the beta versions are gone.
func autoscalerTarget(e *edit) {
	ref := mapAt(e.object, "spec", "scaleTargetRef")
	old, kind := stringAt(ref, "apiVersion"), stringAt(ref, "kind")
	from, ok := GVKOf(map[string]any{"apiVersion": old, "kind": kind})
	if !ok || !builtIn(from.GroupKind()) || e.target.Serves(from.Group, from.Version, from.Kind) != No {
		return
	}
	path, verdict := route(from, e.target)
	if len(path) == 0 || verdict.Kind != Served {
		e.noticed("spec.scaleTargetRef.apiVersion", fmt.Sprintf("%s is not served: the autoscaler will not find what it scales", from))
		return
	}
	ref["apiVersion"] = verdict.APIVersion
	e.changed("spec.scaleTargetRef.apiVersion", fmt.Sprintf("%s becomes %s", old, verdict.APIVersion))
}

// movedResources says where the resources of the group extensions went.
var movedResources = []struct {
	kind      string
	group     string
	resources []string
}{
	{"Deployment", "apps", []string{"deployments", "deployments/scale", "deployments/status"}},
	{"DaemonSet", "apps", []string{"daemonsets", "daemonsets/status"}},
	{"ReplicaSet", "apps", []string{"replicasets", "replicasets/scale", "replicasets/status"}},
	{"Ingress", "networking.k8s.io", []string{"ingresses", "ingresses/status"}},
	{"NetworkPolicy", "networking.k8s.io", []string{"networkpolicies"}},
	{"PodSecurityPolicy", "policy", []string{"podsecuritypolicies"}},
}

// rbacExtensions keeps rights that rules for the group extensions gave. They are
// widened only when the source is known to have served the resource there:
// elsewhere the rule gave nothing, and must not give something now.
func rbacExtensions(e *edit) {
	if e.target.Serves("extensions", "v1beta1", "Ingress") != No {
		return
	}
	rules := listAt(e.object, "rules")

	var added []any
	eachMap(rules, "rules", func(rule map[string]any, path string) {
		groups := stringList(listAt(rule, "apiGroups"))
		if !slices.Contains(groups, "extensions") {
			return
		}
		if sourceOf(e.target).IsZero() {
			e.noticed(path+".apiGroups", "the group extensions is gone; say which release the rule comes from to have its rights moved")
			return
		}
		resources := stringList(listAt(rule, "resources"))
		for group, moved := range rightsIn(resources, sourceOf(e.target)) {
			if slices.Contains(groups, group) || slices.Contains(groups, "*") || grants(append(rules, added...), group, moved, rule) {
				continue
			}
			extra := cloneObject(rule)
			extra["apiGroups"], extra["resources"] = []any{group}, anyList(moved)
			added = append(added, extra)
			e.changed(path, fmt.Sprintf("added a rule for %s in %s, where the group extensions went", strings.Join(moved, ", "), group))
		}
	})

	if len(added) > 0 {
		e.object["rules"] = append(rules, added...)
	}
}

// rightsIn yields, per new group in a fixed order, which of the resources the
// source served in extensions.
func rightsIn(resources []string, source appbur.KubeVersion) func(yield func(string, []string) bool) {
	return func(yield func(string, []string) bool) {
		for _, group := range []string{"apps", "networking.k8s.io", "policy"} {
			var moved []string
			for _, m := range movedResources {
				if m.group != group || TableTarget(source).Serves("extensions", "v1beta1", m.kind) != Yes {
					continue
				}
				for _, resource := range m.resources {
					if slices.Contains(resources, resource) || slices.Contains(resources, "*") {
						moved = append(moved, resource)
					}
				}
			}
			if len(moved) > 0 && !yield(group, moved) {
				return
			}
		}
	}
}

// grants reports whether a rule with the same verbs and names already covers the
// resources in the group.
func grants(rules []any, group string, resources []string, like map[string]any) bool {
	for _, item := range rules {
		rule, ok := item.(map[string]any)
		if !ok || !sameStrings(rule, like, "verbs") || !sameStrings(rule, like, "resourceNames") {
			continue
		}
		groups, have := stringList(listAt(rule, "apiGroups")), stringList(listAt(rule, "resources"))
		if !slices.Contains(groups, group) && !slices.Contains(groups, "*") {
			continue
		}
		if slices.Contains(have, "*") || !slices.ContainsFunc(resources, func(r string) bool { return !slices.Contains(have, r) }) {
			return true
		}
	}
	return false
}

func sameStrings(a, b map[string]any, key string) bool {
	return slices.Equal(stringList(listAt(a, key)), stringList(listAt(b, key)))
}
