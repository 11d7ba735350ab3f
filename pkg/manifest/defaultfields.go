package manifest

import "slices"

// defaultFieldRules are applied in this order.
func defaultFieldRules() []FieldRule {
	return slices.Concat(
		safetyFields(), metadataFields(), annotationFields(), templateFields(), coreFields(), podFields(), batchFields(), configurationFields(),
	)
}

// metadataFields are identity and bookkeeping that every object has.
func metadataFields() []FieldRule {
	every := []string{EveryKind}
	return []FieldRule{
		{
			ID: "metadata-uid", Kinds: every, Path: "metadata.uid", Index: true, As: asUID,
			Reason: "the cluster gives an identity to each object it creates; owner references of others point at it",
			Source: "staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go, ObjectMeta.uid",
		},
		{
			ID: "metadata-resource-version", Kinds: every, Path: "metadata.resourceVersion",
			Reason: "it is a position in the database of this cluster and changes with every write",
			Source: "staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go, ObjectMeta.resourceVersion",
		},
		{
			ID: "metadata-generation", Kinds: every, Path: "metadata.generation",
			Reason: "the cluster counts changes itself",
			Source: "staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go, ObjectMeta.generation",
		},
		{
			ID: "metadata-creation-timestamp", Kinds: every, Path: "metadata.creationTimestamp", Index: true, As: asCreated,
			Reason: "the cluster sets it",
			Source: "staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go, ObjectMeta.creationTimestamp",
		},
		{
			ID: "metadata-deletion-timestamp", Kinds: every, Path: "metadata.deletionTimestamp",
			Reason: "it cannot be set by a client",
			Source: "staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go, ObjectMeta.deletionTimestamp",
		},
		{
			ID: "metadata-deletion-grace-period", Kinds: every, Path: "metadata.deletionGracePeriodSeconds",
			Reason: "it cannot be set by a client",
			Source: "staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go, ObjectMeta.deletionGracePeriodSeconds",
		},
		{
			ID: "metadata-self-link", Kinds: every, Path: "metadata.selfLink",
			Reason: "it is derived from the name; API servers from 1.20 on do not set it",
			Source: "KEP-1164, deprecate and remove selfLink",
		},
		{
			ID: "metadata-cluster-name", Kinds: every, Path: "metadata.clusterName",
			Reason: "it was never used and is gone from 1.25 on",
			Source: "kubernetes#108717, deprecate metadata.clusterName",
		},
		{
			ID: "metadata-managed-fields", Kinds: every, Path: "metadata.managedFields",
			Reason: "it records writes to this cluster; who wrote through which version is in the index as managers",
			Source: "staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go, ManagedFieldsEntry",
		},
		{
			ID: "metadata-generate-name", Kinds: every, Path: "metadata.generateName",
			Reason: "the name that was made from it is saved",
			Source: "staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go, ObjectMeta.generateName",
		},
		{
			ID: "metadata-owner-references", Kinds: every, Path: "metadata.ownerReferences", Index: true, As: asOwners,
			Reason: "their uids are true in this cluster only, and the garbage collector deletes what points at another",
			Source: "pkg/controller/garbagecollector: an owner whose uid is another counts as absent",
		},
		{
			ID: "metadata-finalizers", Kinds: every, Path: "metadata.finalizers[]", Index: true, As: asFinalizers, Prune: true,
			When: Is{Values: []string{
				"foregroundDeletion", "orphan", "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection", "kubernetes.io/pv-controller",
				"service.kubernetes.io/load-balancer-cleanup", "batch.kubernetes.io/job-tracking",
				"external-provisioner.volume.kubernetes.io/finalizer",
				"resource.kubernetes.io/delete-protection", "snapshot.storage.kubernetes.io/*", "kubernetes.io/vac-protection",
				"customresourcecleanup.apiextensions.k8s.io", "networking.k8s.io/service-cidr-finalizer",
			}},
			Reason: "a built-in controller adds it when it is wanted; other finalizers stay, because their controllers may clean up outside the cluster",
			Source: "pkg/volume/util/finalizer.go; component-helpers/storage/volume/pv_helpers.go; cloud-provider/service/helpers; api/batch/v1, resource/v1, networking/v1; apiextensions v1; kubernetes-csi/external-snapshotter",
		},
		{
			ID: "empty-labels", Kinds: []string{BuiltInKinds}, Path: "metadata.labels", When: Blank{},
			Reason: "built-in kinds never have an empty map here",
			Source: "encoding/json, omitempty of ObjectMeta.labels",
		},
		{
			ID: "empty-annotations", Kinds: []string{BuiltInKinds}, Path: "metadata.annotations", When: Blank{},
			Reason: "built-in kinds never have an empty map here",
			Source: "encoding/json, omitempty of ObjectMeta.annotations",
		},
		{
			ID: "crd-stored-versions", Kinds: []string{"CustomResourceDefinition.apiextensions.k8s.io"}, Path: "status.storedVersions", Index: true,
			Reason: "the target cluster starts with the storage version alone; these are the versions that objects of the source may be stored at",
			Source: "apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go, PrepareForCreate",
		},
		{
			ID: "built-in-status", Kinds: []string{BuiltInKinds}, Path: "status",
			Reason: "the controllers of the target cluster observe its own state",
			Source: "pkg/registry/*/strategy.go, PrepareForCreate resets status",
		},
		{
			ID: "custom-status", Kinds: []string{CustomKinds}, Path: "status", When: Not{Null{}}, Index: true, As: asStatus,
			Reason: "it is observed state, but some controllers cannot compute it again",
			Source: "apiextensions-apiserver/pkg/registry/customresource/strategy.go, PrepareForCreate",
		},
		{
			ID: "custom-status-null", Kinds: []string{CustomKinds}, Path: "status", When: Null{},
			Reason: "null says nothing", Source: "apiextensions-apiserver/pkg/registry/customresource/strategy.go",
		},
		{
			ID: "nested-creation-timestamp", Kinds: []string{CustomKinds}, Path: "**.metadata.creationTimestamp", When: Null{},
			Reason: "clients write null here because of the way Go encodes times",
			Source: "encoding/json, omitempty does nothing for metav1.Time; apiextensions-apiserver keeps it",
		},
	}
}

// templateFields clean the metadata of embedded Pods, Jobs and claims.
func templateFields() []FieldRule {
	places := []struct{ kind, path string }{
		{"CronJob.batch", "spec.jobTemplate"},
		{"StatefulSet.apps", "spec.volumeClaimTemplates[]"},
	}
	var rules []FieldRule

	for _, at := range slices.Concat(podTemplates, places) {
		name := at.kind + "-" + at.path
		rules = append(
			rules,
			FieldRule{
				ID: "template-time-" + name, Kinds: []string{at.kind}, Path: at.path + ".metadata.creationTimestamp", When: Null{},
				Reason: "API servers before 1.34 write null for a time that is not set",
				Source: "encoding/json, omitempty does nothing for metav1.Time",
			},
			FieldRule{
				ID: "template-metadata-" + name, Kinds: []string{at.kind}, Path: at.path + ".metadata", When: Blank{},
				Reason: "whether empty metadata is written depends on the version of the API server",
				Source: "staging/src/k8s.io/api/core/v1/types.go, PodTemplateSpec.metadata",
			},
		)
	}

	return append(rules, FieldRule{
		ID: "claim-template-status", Kinds: []string{"StatefulSet.apps"}, Path: "spec.volumeClaimTemplates[].status",
		Reason: "a template has no state; API servers write a default phase",
		Source: "pkg/apis/core/v1/defaults.go, SetDefaults_PersistentVolumeClaim",
	})
}

// configurationFields are about objects that configure the cluster itself.
func configurationFields() []FieldRule {
	injected := Within{Any{
		Has{Path: `metadata.annotations["cert-manager.io/inject-ca-from"]`},
		Has{Path: `metadata.annotations["cert-manager.io/inject-ca-from-secret"]`},
		Has{Path: `metadata.annotations["cert-manager.io/inject-apiserver-ca"]`},
		Has{Path: `metadata.annotations["service.beta.openshift.io/inject-cabundle"]`},
		Has{Path: `metadata.annotations["service.alpha.openshift.io/inject-cabundle"]`},
	}}

	const (
		reason = "an annotation makes a controller fill it in"
		source = "cert-manager cainjector; openshift/service-ca-operator"
	)
	return []FieldRule{
		{
			ID: "webhook-ca-validating", Kinds: []string{"ValidatingWebhookConfiguration.admissionregistration.k8s.io"},
			Path: "webhooks[].clientConfig.caBundle",
			When: injected, Index: true, Reason: reason, Source: source,
		},
		{
			ID: "webhook-ca-mutating", Kinds: []string{"MutatingWebhookConfiguration.admissionregistration.k8s.io"},
			Path: "webhooks[].clientConfig.caBundle",
			When: injected, Index: true, Reason: reason, Source: source,
		},
		{
			ID: "api-service-ca", Kinds: []string{"APIService.apiregistration.k8s.io"}, Path: "spec.caBundle",
			When: injected, Index: true, Reason: reason, Source: source,
		},
		{
			ID: "crd-conversion-ca", Kinds: []string{"CustomResourceDefinition.apiextensions.k8s.io"},
			Path: "spec.conversion.webhook.clientConfig.caBundle",
			When: injected, Index: true, Reason: reason, Source: source,
		},
		{
			ID: "aggregated-rules", Kinds: []string{"ClusterRole.rbac.authorization.k8s.io"}, Path: "rules",
			When:   Within{Has{Path: "aggregationRule"}},
			Reason: "a controller fills them in from the roles that the rule selects",
			Source: "pkg/controller/clusterroleaggregation",
		},
		{
			ID: "null-rules", Kinds: []string{"ClusterRole.rbac.authorization.k8s.io", "Role.rbac.authorization.k8s.io"}, Path: "rules",
			When:   Null{},
			Reason: "the server writes null for a role without rules",
			Source: "staging/src/k8s.io/api/rbac/v1/types.go, Role.rules has no omitempty",
		},
	}
}
