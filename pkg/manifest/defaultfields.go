package manifest

import "slices"

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// defaultFieldRules are applied in this order.
func defaultFieldRules() []FieldRule {
	return slices.Concat(
		metadataFields(), annotationFields(), templateFields(), coreFields(), podFields(), batchFields(), configurationFields(),
	)
}

// metadataFields are identity and bookkeeping that every object has.
func metadataFields() []FieldRule {
	every := []string{EveryKind}
	return []FieldRule{
		{
			ID: "metadata-uid", Kinds: every, Path: "metadata.uid",
			Reason: "the cluster gives an identity to each object it creates; it is in the index as uid",
		},
		{
			ID: "metadata-resource-version", Kinds: every, Path: "metadata.resourceVersion",
			Reason: "it is a position in the database of this cluster and changes with every write",
		},
		{
			ID: "metadata-generation", Kinds: every, Path: "metadata.generation",
			Reason: "the cluster counts changes itself",
		},
		{
			ID: "metadata-creation-timestamp", Kinds: every, Path: "metadata.creationTimestamp",
			Reason: "the cluster sets it; it is in the index as created",
		},
		{
			ID: "metadata-deletion-timestamp", Kinds: every, Path: "metadata.deletionTimestamp",
			Reason: "it cannot be set by a client",
		},
		{
			ID: "metadata-deletion-grace-period", Kinds: every, Path: "metadata.deletionGracePeriodSeconds",
			Reason: "it cannot be set by a client",
		},
		{
			ID: "metadata-self-link", Kinds: every, Path: "metadata.selfLink",
			Reason: "it is derived from the name; API servers from 1.20 on do not set it",
		},
		{
			ID: "metadata-cluster-name", Kinds: every, Path: "metadata.clusterName",
			Reason: "it was never used and is gone from 1.24 on",
		},
		{
			ID: "metadata-managed-fields", Kinds: every, Path: "metadata.managedFields",
			Reason: "it records writes to this cluster; who wrote through which version is in the index as managers",
		},
		{
			ID: "metadata-generate-name", Kinds: every, Path: "metadata.generateName",
			Reason: "the name that was made from it is saved",
		},
		{
			ID: "metadata-owner-references", Kinds: every, Path: "metadata.ownerReferences",
			Reason: "their uids are true in this cluster only, and the garbage collector deletes what points at another; they are in the index as owners",
		},
		{
			ID: "metadata-finalizers", Kinds: every, Path: "metadata.finalizers[]", Index: true, Prune: true,
			When: Is{Values: []string{
				"foregroundDeletion", "orphan", "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection", "kubernetes.io/pv-controller",
				"service.kubernetes.io/load-balancer-cleanup", "batch.kubernetes.io/job-tracking", "external-provisioner.volume.kubernetes.io/finalizer",
				"resource.kubernetes.io/delete-protection", "snapshot.storage.kubernetes.io/*", "kubernetes.io/vac-protection",
				"customresourcecleanup.apiextensions.k8s.io", "networking.k8s.io/service-cidr-finalizer",
			}},
			Reason: "a built-in controller adds it when it is wanted; other finalizers stay, because their controllers may clean up outside the cluster",
		},
		{
			ID: "empty-labels", Kinds: []string{BuiltInKinds}, Path: "metadata.labels", When: Blank{},
			Reason: "built-in kinds never have an empty map here",
		},
		{
			ID: "empty-annotations", Kinds: []string{BuiltInKinds}, Path: "metadata.annotations", When: Blank{},
			Reason: "built-in kinds never have an empty map here",
		},
		{
			ID: "crd-stored-versions", Kinds: []string{"CustomResourceDefinition.apiextensions.k8s.io"}, Path: "status.storedVersions", Index: true,
			Reason: "the target cluster starts with the storage version alone; these are the versions that objects of the source may be stored at",
		},
		{
			ID: "built-in-status", Kinds: []string{BuiltInKinds}, Path: "status",
			Reason: "the controllers of the target cluster observe its own state",
		},
		{
			ID: "custom-status", Kinds: []string{CustomKinds}, Path: "status",
			Reason: "it is observed state, but some controllers cannot compute it again; it is in the index as status",
		},
		{
			ID: "nested-creation-timestamp", Kinds: []string{CustomKinds}, Path: "**.metadata.creationTimestamp", When: Null{},
			Reason: "clients write null here because of the way Go encodes times",
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
			},
			FieldRule{
				ID: "template-metadata-" + name, Kinds: []string{at.kind}, Path: at.path + ".metadata", When: Blank{},
				Reason: "whether empty metadata is written depends on the version of the API server",
			},
		)
	}
	return append(rules, FieldRule{
		ID: "claim-template-status", Kinds: []string{"StatefulSet.apps"}, Path: "spec.volumeClaimTemplates[].status",
		Reason: "a template has no state; API servers write a default phase",
	})
}

// coreFields are about Namespace, ServiceAccount, Secret, Service and volumes.
func coreFields() []FieldRule {
	notRequested := Not{Requested{}}
	singleStack := Within{Is{Path: "spec.ipFamilyPolicy", Values: []string{"SingleStack"}}}
	headless := Within{Is{Path: "spec.clusterIP", Values: []string{"None"}}}
	tokenSecret := Within{serviceAccountToken}
	var rules []FieldRule
	for _, key := range []string{"token", "ca.crt", "namespace"} {
		rules = append(rules, FieldRule{
			ID: "token-secret-" + key, Kinds: []string{"Secret"}, Path: `data["` + key + `"]`, When: tokenSecret, Prune: true,
			Reason: "the token controller of the target cluster fills it in",
		})
	}
	return append(
		rules,
		FieldRule{
			ID: "token-secret-last-used", Kinds: []string{"Secret"}, Path: `metadata.labels["kubernetes.io/legacy-token-last-used"]`, Prune: true,
			Reason: "the API server notes the day of the last use",
		},
		FieldRule{
			ID: "token-secret-invalid-since", Kinds: []string{"Secret"}, Path: `metadata.labels["kubernetes.io/legacy-token-invalid-since"]`, Prune: true,
			Reason: "the token cleaner notes when it will delete the token",
		},
		FieldRule{
			ID: "namespace-name-label", Kinds: []string{"Namespace"}, Path: `metadata.labels["kubernetes.io/metadata.name"]`, Prune: true,
			Reason: "the API server sets it",
		},
		FieldRule{
			ID: "namespace-finalizers", Kinds: []string{"Namespace"}, Path: "spec.finalizers[]", When: Is{Values: []string{"kubernetes"}}, Prune: true,
			Reason: "the API server sets it",
		},
		FieldRule{
			ID: "namespace-empty-spec", Kinds: []string{"Namespace"}, Path: "spec", When: Blank{},
			Reason: "nothing but finalizers is ever in it",
		},
		FieldRule{
			ID: "service-account-tokens", Kinds: []string{"ServiceAccount"}, Path: "secrets[]", When: Is{Path: "name", Values: tokenNames}, Index: true, Prune: true,
			Reason: "the cluster makes tokens under names of its own",
		},
		FieldRule{
			ID: "service-account-registry-secrets", Kinds: []string{"ServiceAccount"}, Path: "imagePullSecrets[]", When: Is{Path: "name", Values: tokenNames}, Index: true, Prune: true,
			Reason: "OpenShift makes registry credentials under names of its own",
		},
		FieldRule{
			ID: "service-cluster-ips", Kinds: []string{"Service"}, Path: "spec.clusterIPs", When: Not{headless}, Index: true,
			Reason: "the target cluster allocates addresses from its own range; None is a request and stays",
		},
		FieldRule{
			ID: "service-cluster-ip", Kinds: []string{"Service"}, Path: "spec.clusterIP", When: Not{headless}, Index: true,
			Reason: "the target cluster allocates addresses from its own range; None is a request and stays",
		},
		FieldRule{
			ID: "service-health-check-port", Kinds: []string{"Service"}, Path: "spec.healthCheckNodePort", When: notRequested, Index: true,
			Reason: "the target cluster allocates a port; one that a client asked for stays",
		},
		FieldRule{
			ID: "service-node-ports", Kinds: []string{"Service"}, Path: "spec.ports[].nodePort", When: notRequested, Index: true,
			Reason: "the target cluster allocates a port; one that a client asked for stays",
		},
		FieldRule{
			ID: "service-ip-families", Kinds: []string{"Service"}, Path: "spec.ipFamilies", When: All{singleStack, notRequested}, Index: true,
			Reason: "the target cluster has a default family of its own; what a client asked for stays",
		},
		FieldRule{
			ID: "service-ip-family-policy", Kinds: []string{"Service"}, Path: "spec.ipFamilyPolicy", When: All{Is{Values: []string{"SingleStack"}}, notRequested}, Index: true,
			Reason: "the target cluster has a default of its own; what a client asked for stays",
		},
		FieldRule{
			ID: "endpoints-target", Kinds: []string{"Endpoints"}, Path: "subsets[].addresses[].targetRef", Index: true,
			Reason: "it names an object of this cluster by its uid",
		},
		FieldRule{
			ID: "endpoints-node", Kinds: []string{"Endpoints"}, Path: "subsets[].addresses[].nodeName", Index: true,
			Reason: "it names a machine of this cluster",
		},
		FieldRule{
			ID: "endpoints-headless", Kinds: []string{"Endpoints"}, Path: `metadata.labels["service.kubernetes.io/headless"]`, Prune: true,
			Reason: "the endpoints controller sets it",
		},
		FieldRule{
			ID: "claim-volume", Kinds: []string{"PersistentVolumeClaim"}, Path: "spec.volumeName", Index: true,
			Reason: "it binds to a volume of this cluster; a volume that is saved binds to its claim by name",
		},
		FieldRule{
			ID: "volume-claim-uid", Kinds: []string{"PersistentVolume"}, Path: "spec.claimRef.uid", Index: true,
			Reason: "a volume that names a claim of another cluster's uid counts as released for ever",
		},
		FieldRule{
			ID: "volume-claim-version", Kinds: []string{"PersistentVolume"}, Path: "spec.claimRef.resourceVersion",
			Reason: "it is a position in the database of this cluster",
		},
	)
}

// podFields are about Pods that no controller makes.
func podFields() []FieldRule {
	pod := []string{"Pod"}
	token := Is{Path: "name", Values: []string{"kube-api-access-?????", "*-token-?????"}}
	tokenVolume := All{token, Any{Has{Path: "projected"}, Has{Path: "secret"}}}
	tokenMount := All{token, Is{Path: "mountPath", Values: []string{"/var/run/secrets/kubernetes.io/serviceaccount"}}}
	rules := []FieldRule{
		{
			ID: "pod-node", Kinds: pod, Path: "spec.nodeName", Index: true,
			Reason: "it names a machine of this cluster",
		},
		{
			ID: "pod-service-account-alias", Kinds: pod, Path: "spec.serviceAccount",
			Reason: "it is the old name of serviceAccountName, which stays",
		},
		{
			ID: "pod-priority", Kinds: pod, Path: "spec.priority", When: Not{Requested{}}, Index: true,
			Reason: "admission computes it from the priority class",
		},
		{
			ID: "pod-preemption", Kinds: pod, Path: "spec.preemptionPolicy", When: Not{Requested{}}, Index: true,
			Reason: "admission computes it from the priority class",
		},
		{
			ID: "pod-ephemeral-containers", Kinds: pod, Path: "spec.ephemeralContainers", Index: true,
			Reason: "somebody debugged the Pod; it cannot be created with them",
		},
		{
			ID: "pod-token-volumes", Kinds: pod, Path: "spec.volumes[]", When: tokenVolume, Index: true, Prune: true,
			Reason: "admission adds a volume for the token of the service account",
		},
		{
			ID: "pod-tolerations", Kinds: pod, Path: "spec.tolerations[]", Index: true, Prune: true,
			When: All{
				Is{Path: "key", Values: []string{"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}},
				Is{Path: "effect", Values: []string{"NoExecute"}},
				Is{Path: "tolerationSeconds", Values: []string{"300"}},
			},
			Reason: "admission adds it to every Pod",
		},
	}
	for _, list := range []string{"containers", "initContainers"} {
		rules = append(rules, FieldRule{
			ID: "pod-token-mounts-" + list, Kinds: pod, Path: "spec." + list + "[].volumeMounts[]", When: tokenMount, Index: true, Prune: true,
			Reason: "admission adds a mount for the token of the service account",
		})
	}
	for _, label := range []string{"pod-template-hash", "controller-revision-hash", "pod-template-generation", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"} {
		rules = append(rules, FieldRule{
			ID: "pod-label-" + label, Kinds: pod, Path: `metadata.labels["` + label + `"]`, Index: true, Prune: true,
			Reason: "a controller set it; a Pod with it may be adopted",
		})
	}
	return rules
}

// batchFields are about Jobs that are not finished.
func batchFields() []FieldRule {
	job := []string{"Job.batch"}
	generated := Not{Within{Is{Path: "spec.manualSelector", Values: []string{"true"}}}}
	rules := []FieldRule{
		{
			ID: "job-selector", Kinds: job, Path: "spec.selector", When: generated, Index: true,
			Reason: "the server makes it from the uid of the Job",
		},
	}
	for _, label := range []string{"controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name"} {
		rules = append(
			rules,
			FieldRule{
				ID: "job-template-label-" + label, Kinds: job, Path: `spec.template.metadata.labels["` + label + `"]`, When: generated, Index: true, Prune: true,
				Reason: "the server makes it for the selector",
			},
			FieldRule{
				ID: "job-label-" + label, Kinds: job, Path: `metadata.labels["` + label + `"]`, When: generated, Index: true, Prune: true,
				Reason: "API servers before 1.27 copy the labels of the template",
			},
		)
	}
	return rules
}

// configurationFields are about objects that configure the cluster itself.
func configurationFields() []FieldRule {
	injected := Within{Any{
		Has{Path: `metadata.annotations["cert-manager.io/inject-ca-from"]`},
		Has{Path: `metadata.annotations["cert-manager.io/inject-ca-from-secret"]`},
		Has{Path: `metadata.annotations["cert-manager.io/inject-apiserver-ca"]`},
		Has{Path: `metadata.annotations["service.beta.openshift.io/inject-cabundle"]`},
	}}
	const reason = "an annotation asks a controller to fill it in"
	return []FieldRule{
		{
			ID: "webhook-ca-validating", Kinds: []string{"ValidatingWebhookConfiguration.admissionregistration.k8s.io"}, Path: "webhooks[].clientConfig.caBundle",
			When: injected, Index: true, Reason: reason,
		},
		{
			ID: "webhook-ca-mutating", Kinds: []string{"MutatingWebhookConfiguration.admissionregistration.k8s.io"}, Path: "webhooks[].clientConfig.caBundle",
			When: injected, Index: true, Reason: reason,
		},
		{
			ID: "api-service-ca", Kinds: []string{"APIService.apiregistration.k8s.io"}, Path: "spec.caBundle",
			When: injected, Index: true, Reason: reason,
		},
		{
			ID: "crd-conversion-ca", Kinds: []string{"CustomResourceDefinition.apiextensions.k8s.io"}, Path: "spec.conversion.webhook.clientConfig.caBundle",
			When: injected, Index: true, Reason: reason,
		},
		{
			ID: "aggregated-rules", Kinds: []string{"ClusterRole.rbac.authorization.k8s.io"}, Path: "rules", When: Within{Has{Path: "aggregationRule"}},
			Reason: "a controller fills them in from the roles that the rule selects",
		},
		{
			ID: "null-rules", Kinds: []string{"ClusterRole.rbac.authorization.k8s.io", "Role.rbac.authorization.k8s.io"}, Path: "rules", When: Null{},
			Reason: "the server writes null for a role without rules",
		},
	}
}
