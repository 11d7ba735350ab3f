package restore

import (
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// stayRule is a family of objects that no prune deletes. Conditions that are empty hold for all.
type stayRule struct {
	kinds      []appbur.GroupKind
	group      string
	namespaces []string
	// names are complete, prefixes the beginnings of names.
	names    []string
	prefixes []string
	// mark is a label or an annotation.
	mark string
	// always holds also for what a restore made.
	always bool
	reason string
}

const groupRBAC = "rbac.authorization.k8s.io"

// stays lists what a prune leaves alone although the point does not have it.
var stays = []stayRule{
	{
		kinds:  []appbur.GroupKind{kindNamespace},
		reason: "all that is in a namespace, known or not, would go with it",
	},
	{
		kinds:  []appbur.GroupKind{kindDefinition, kindAPIService},
		reason: "all objects of its kinds would go with it",
	},
	{
		kinds: []appbur.GroupKind{
			kindClaim, kindVolume,
			{Group: "snapshot.storage.k8s.io", Kind: "VolumeSnapshot"},
			{Group: "snapshot.storage.k8s.io", Kind: "VolumeSnapshotContent"},
		},
		always: true, reason: "it holds data that no restore point has",
	},
	{
		namespaces: []string{"kube-system", "kube-public", "kube-node-lease"},
		reason:     "what is in the namespaces of Kubernetes belongs to the cluster and to its version",
	},
	{
		kinds: []appbur.GroupKind{kindServiceAccount}, names: []string{"default"},
		reason: "every namespace gets it by itself",
	},
	{
		kinds: []appbur.GroupKind{kindConfigMap}, names: []string{"kube-root-ca.crt", "openshift-service-ca.crt"},
		reason: "every namespace gets it by itself",
	},
	{
		namespaces: []string{"default"}, names: []string{"kubernetes"},
		reason: "the API server publishes its own addresses here",
	},
	{mark: "kubernetes.io/bootstrapping", reason: "the control plane makes it"},
	{mark: "rbac.authorization.kubernetes.io/autoupdate", reason: "the control plane makes it"},
	{mark: "apf.kubernetes.io/autoupdate-spec", reason: "the control plane makes it"},
	{group: groupRBAC, prefixes: []string{"system:", "kubeadm:"}, reason: "the control plane makes it, or whoever installed it"},
	{
		kinds:    []appbur.GroupKind{kindPriorityClass},
		prefixes: []string{"system-"}, reason: "the control plane makes it",
	},
}

// staying returns why an object is never pruned, "" if it may be; made is true for what a restore made.
func staying(id appbur.ObjectID, live map[string]any, made bool) string {
	for _, rule := range stays {
		if (rule.always || !made) && rule.matches(id, live) {
			return rule.reason
		}
	}
	return ""
}

func (r stayRule) matches(id appbur.ObjectID, live map[string]any) bool {
	switch {
	case len(r.kinds) > 0 && !slices.Contains(r.kinds, id.GroupKind()),
		r.group != "" && r.group != id.Group,
		len(r.namespaces) > 0 && !slices.Contains(r.namespaces, id.Namespace),
		len(r.names) > 0 && !slices.Contains(r.names, id.Name),
		len(r.prefixes) > 0 && !slices.ContainsFunc(r.prefixes, func(p string) bool { return strings.HasPrefix(id.Name, p) }):
		return false
	}
	return r.mark == "" || dict(live, "metadata", "labels")[r.mark] != nil || dict(live, "metadata", "annotations")[r.mark] != nil
}
