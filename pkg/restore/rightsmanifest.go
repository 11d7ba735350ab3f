package restore

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// rightsName is that of the roles and bindings with missing rights.
const rightsName = "appbur-restore"

// manifest writes the missing rights as roles: one in each namespace that exists, and one in
// the cluster for all else, because a role cannot be made in a namespace that is not there. The
// account is bound to them where its name is known.
func (v *rightsReview) manifest(ctx context.Context, rights Rights) string {
	if len(rights.Missing) == 0 {
		return ""
	}
	scopes, there := make(map[string][]Right), make(map[string]bool)
	for _, right := range rights.Missing {
		namespace := right.Namespace
		if _, known := there[namespace]; !known && namespace != "" {
			there[namespace] = v.exists(ctx, namespace)
		}
		if !there[namespace] {
			namespace = ""
		}
		scopes[namespace] = append(scopes[namespace], right)
	}

	var documents []string
	if rights.Account == "" {
		documents = append(documents, "# The target does not say the name of the account: bind these roles to it.\n")
	}
	for _, namespace := range slices.Sorted(maps.Keys(scopes)) {
		for _, object := range roleFor(namespace, scopes[namespace], rights.Account) {
			data, err := manifest.Encode(object)
			if err != nil {
				return ""
			}
			documents = append(documents, string(data))
		}
	}
	return strings.Join(documents, "---\n")
}

// exists reports whether a namespace is in the target. One that may not be read is taken to be:
// the account has some business there.
func (v *rightsReview) exists(ctx context.Context, namespace string) bool {
	_, err := v.worker.cluster.Get(ctx, appbur.ObjectID{Kind: kindNamespace.Kind, Name: namespace}, "v1")
	return !apierrors.IsNotFound(err)
}

// roleFor returns a role with the rights, and its binding.
func roleFor(namespace string, rights []Right, account string) []map[string]any {
	role, binding := kindClusterRole, kindClusterRoleBinding
	metadata := map[string]any{"name": rightsName}
	if namespace != "" {
		role, binding = kindRole, kindRoleBinding
		metadata["namespace"] = namespace
	}
	const apiVersion = "rbac.authorization.k8s.io/v1"
	objects := []map[string]any{{"apiVersion": apiVersion, "kind": role.Kind, "metadata": metadata, "rules": rulesFor(rights)}}
	if account == "" {
		return objects
	}

	subject := map[string]any{"apiGroup": role.Group, "kind": "User", "name": account}
	if parts := strings.Split(account, ":"); len(parts) == 4 && parts[0] == "system" && parts[1] == "serviceaccount" {
		subject = map[string]any{"kind": kindServiceAccount.Kind, "namespace": parts[2], "name": parts[3]}
	}
	return append(objects, map[string]any{
		"apiVersion": apiVersion, "kind": binding.Kind, "metadata": metadata,
		"roleRef":  map[string]any{"apiGroup": role.Group, "kind": role.Kind, "name": rightsName},
		"subjects": []any{subject},
	})
}

// rulesFor joins rights: resources of a group that need the same verbs are one rule.
func rulesFor(rights []Right) []any {
	type kind struct{ group, resource, name string }
	type rule struct{ group, verbs, name string }
	verbs, resources := make(map[kind][]string), make(map[rule][]string)
	for _, r := range rights {
		k := kind{r.Group, r.Resource, r.Name}
		if !slices.Contains(verbs[k], r.Verb) {
			verbs[k] = append(verbs[k], r.Verb)
		}
	}
	for k, v := range verbs {
		slices.Sort(v)
		key := rule{k.group, strings.Join(v, " "), k.name}
		resources[key] = append(resources[key], k.resource)
	}

	keys := slices.SortedFunc(maps.Keys(resources), func(a, b rule) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.verbs, b.verbs), cmp.Compare(a.name, b.name))
	})
	rules := make([]any, 0, len(keys))
	for _, key := range keys {
		rule := map[string]any{
			"apiGroups": []any{key.group}, "resources": anyOf(resources[key]), "verbs": anyOf(strings.Fields(key.verbs)),
		}
		if key.name != "" {
			rule["resourceNames"] = []any{key.name}
		}
		rules = append(rules, rule)
	}
	return rules
}

// anyOf returns sorted texts as a list of a manifest.
func anyOf(texts []string) []any {
	list := make([]any, 0, len(texts))
	for _, text := range slices.Sorted(slices.Values(texts)) {
		list = append(list, text)
	}
	return list
}
