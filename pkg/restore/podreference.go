package restore

import (
	"strings"

	"github.com/appbur/appbur"
)

// podTemplates says where each kind keeps the spec of its pods.
var podTemplates = map[appbur.GroupKind][]string{
	{Kind: "Pod"}:                        {"spec"},
	{Kind: "PodTemplate"}:                {"template", "spec"},
	{Kind: "ReplicationController"}:      {"spec", "template", "spec"},
	{Group: "apps", Kind: "ReplicaSet"}:  {"spec", "template", "spec"},
	{Group: "apps", Kind: "Deployment"}:  {"spec", "template", "spec"},
	{Group: "apps", Kind: "StatefulSet"}: {"spec", "template", "spec"},
	{Group: "apps", Kind: "DaemonSet"}:   {"spec", "template", "spec"},
	{Group: "batch", Kind: "Job"}:        {"spec", "template", "spec"},
	{Group: "batch", Kind: "CronJob"}:    {"spec", "jobTemplate", "spec", "template", "spec"},
}

func podKinds() []appbur.GroupKind {
	kinds := make([]appbur.GroupKind, 0, len(podTemplates))
	for kind := range podTemplates {
		kinds = append(kinds, kind)
	}
	return kinds
}

// podReferences returns what the pods of a workload name.
func podReferences(o Object, _ *scope) []appbur.ObjectID {
	var refs idList
	spec := field(o.Content, podTemplates[o.ID.GroupKind()]...)
	secret := func(name string) { refs.add(kindSecret, o.ID.Namespace, name) }
	configMap := func(name string) { refs.add(kindConfigMap, o.ID.Namespace, name) }

	refs.add(kindServiceAccount, o.ID.Namespace, text(spec, "serviceAccountName"))
	refs.add(kindPriorityClass, "", text(spec, "priorityClassName"))
	refs.add(kindRuntimeClass, "", text(spec, "runtimeClassName"))
	for _, s := range list(spec, "imagePullSecrets") {
		secret(text(s, "name"))
	}
	for _, v := range list(spec, "volumes") {
		secret(text(v, "secret", "secretName"))
		secret(text(v, "csi", "nodePublishSecretRef", "name"))
		configMap(text(v, "configMap", "name"))
		refs.add(kindClaim, o.ID.Namespace, text(v, "persistentVolumeClaim", "claimName"))
		refs.add(kindStorageClass, "", text(v, "ephemeral", "volumeClaimTemplate", "spec", "storageClassName"))
		for _, source := range list(v, "projected", "sources") {
			secret(text(source, "secret", "name"))
			configMap(text(source, "configMap", "name"))
		}
	}
	for _, key := range []string{"initContainers", "containers"} {
		for _, c := range list(spec, key) {
			for _, from := range list(c, "envFrom") {
				secret(text(from, "secretRef", "name"))
				configMap(text(from, "configMapRef", "name"))
			}
			for _, env := range list(c, "env") {
				secret(text(env, "valueFrom", "secretKeyRef", "name"))
				configMap(text(env, "valueFrom", "configMapKeyRef", "name"))
			}
		}
	}
	return refs
}

// statefulReferences returns the governing service, the classes of the claim
// templates, and the claims that the stateful set will adopt by their names,
// TEMPLATE-SET-ORDINAL.
func statefulReferences(o Object, s *scope) []appbur.ObjectID {
	var refs idList
	refs.add(kindService, o.ID.Namespace, text(o.Content, "spec", "serviceName"))
	for _, template := range list(o.Content, "spec", "volumeClaimTemplates") {
		refs.add(kindStorageClass, "", text(template, "spec", "storageClassName"))
		prefix := text(template, "metadata", "name") + "-" + o.ID.Name + "-"
		for _, claim := range s.claims[o.ID.Namespace] {
			if ordinal, ok := strings.CutPrefix(claim, prefix); ok && isOrdinal(ordinal) {
				refs.add(kindClaim, o.ID.Namespace, claim)
			}
		}
	}
	return refs
}

func isOrdinal(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
