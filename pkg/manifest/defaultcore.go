package manifest

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
			Source: "pkg/controller/serviceaccount/tokens_controller.go, generateTokenIfNeeded",
		})
	}

	return append(
		rules,
		FieldRule{
			ID: "token-secret-last-used", Kinds: []string{"Secret"}, Path: `metadata.labels["kubernetes.io/legacy-token-last-used"]`, Prune: true,
			Reason: "the API server notes the day of the last use",
			Source: "pkg/serviceaccount/legacy.go, LastUsedLabelKey",
		},
		FieldRule{
			ID: "token-secret-invalid-since", Kinds: []string{"Secret"}, Path: `metadata.labels["kubernetes.io/legacy-token-invalid-since"]`,
			Prune:  true,
			Reason: "the token cleaner notes when it will delete the token",
			Source: "pkg/serviceaccount/legacy.go, InvalidSinceLabelKey",
		},
		FieldRule{
			ID: "namespace-name-label", Kinds: []string{"Namespace"}, Path: `metadata.labels["kubernetes.io/metadata.name"]`, Prune: true,
			Reason: "the API server sets it",
			Source: "staging/src/k8s.io/api/core/v1/well_known_labels.go, LabelMetadataName",
		},
		FieldRule{
			ID: "namespace-finalizers", Kinds: []string{"Namespace"}, Path: "spec.finalizers[]", When: Is{Values: []string{"kubernetes"}},
			Prune:  true,
			Reason: "the API server sets it",
			Source: "pkg/registry/core/namespace/strategy.go, PrepareForCreate",
		},
		FieldRule{
			ID: "namespace-empty-spec", Kinds: []string{"Namespace"}, Path: "spec", When: Blank{},
			Reason: "nothing but finalizers is ever in it",
			Source: "staging/src/k8s.io/api/core/v1/types.go, NamespaceSpec",
		},
		FieldRule{
			ID: "service-account-tokens", Kinds: []string{"ServiceAccount"}, Path: "secrets[]", When: Is{Path: "name", Values: tokenNames},
			Index: true, Prune: true,
			Reason: "the cluster makes tokens under names of its own",
			Source: "pkg/controller/serviceaccount/tokens_controller.go; openshift-controller-manager, serviceaccounts",
		},
		FieldRule{
			ID: "service-account-registry-secrets", Kinds: []string{"ServiceAccount"}, Path: "imagePullSecrets[]",
			When: Is{Path: "name", Values: tokenNames}, Index: true, Prune: true,
			Reason: "OpenShift makes registry credentials under names of its own",
			Source: "openshift-controller-manager, pkg/serviceaccounts/controllers",
		},
		FieldRule{
			ID: "service-cluster-ips", Kinds: []string{"Service"}, Path: "spec.clusterIPs", When: All{Not{headless}, notRequested}, Index: true,
			Reason: "the target cluster allocates addresses from its own range; one that a client requested stays, as None does",
			Source: "pkg/registry/core/service/storage/alloc.go; pkg/apis/core/validation, ValidateServiceClusterIPsRelatedFields",
		},
		FieldRule{
			ID: "service-cluster-ip", Kinds: []string{"Service"}, Path: "spec.clusterIP", When: All{Not{headless}, notRequested}, Index: true,
			Reason: "the target cluster allocates addresses from its own range; one that a client requested stays, as None does",
			Source: "pkg/registry/core/service/storage/alloc.go",
		},
		FieldRule{
			ID: "service-health-check-port", Kinds: []string{"Service"}, Path: "spec.healthCheckNodePort", When: notRequested, Index: true,
			Reason: "the target cluster allocates a port; one that a client requested stays",
			Source: "pkg/registry/core/service/storage/alloc.go, allocHealthCheckNodePort",
		},
		FieldRule{
			ID: "service-node-ports", Kinds: []string{"Service"}, Path: "spec.ports[].nodePort", When: notRequested, Index: true,
			Reason: "the target cluster allocates a port; one that a client requested stays",
			Source: "pkg/registry/core/service/storage/alloc.go, portallocator",
		},
		FieldRule{
			ID: "service-ip-families", Kinds: []string{"Service"}, Path: "spec.ipFamilies", When: All{singleStack, notRequested}, Index: true,
			Reason: "the target cluster has a default family of its own; what a client requested stays",
			Source: "KEP-563, dual-stack; pkg/registry/core/service/storage/alloc.go",
		},
		FieldRule{
			ID: "service-ip-family-policy", Kinds: []string{"Service"}, Path: "spec.ipFamilyPolicy",
			When: All{Is{Values: []string{"SingleStack"}}, notRequested}, Index: true,
			Reason: "the target cluster has a default of its own; what a client requested stays",
			Source: "KEP-563, dual-stack; pkg/registry/core/service/storage/alloc.go",
		},
		FieldRule{
			ID: "service-topology-keys", Kinds: []string{"Service"}, Path: "spec.topologyKeys", Index: true,
			Reason: "servers from 1.22 on do not know it; trafficDistribution took its place",
			Source: "KEP-536, topology-aware service routing (withdrawn in 1.21)",
		},
		FieldRule{
			ID: "service-ip-family", Kinds: []string{"Service"}, Path: "spec.ipFamily", Index: true,
			Reason: "servers from 1.20 on do not know it; ipFamilies took its place",
			Source: "KEP-563, dual-stack (first form, 1.16 to 1.19)",
		},
		FieldRule{
			ID: "endpoints-target", Kinds: []string{"Endpoints"}, Path: "subsets[].addresses[].targetRef", Index: true,
			Reason: "it names an object of this cluster by its uid",
			Source: "staging/src/k8s.io/api/core/v1/types.go, EndpointAddress.targetRef",
		},
		FieldRule{
			ID: "endpoints-node", Kinds: []string{"Endpoints"}, Path: "subsets[].addresses[].nodeName", Index: true,
			Reason: "it names a machine of this cluster",
			Source: "staging/src/k8s.io/api/core/v1/types.go, EndpointAddress.nodeName",
		},
		FieldRule{
			ID: "endpoints-target-not-ready", Kinds: []string{"Endpoints"}, Path: "subsets[].notReadyAddresses[].targetRef", Index: true,
			Reason: "it names an object of this cluster by its uid",
			Source: "staging/src/k8s.io/api/core/v1/types.go, EndpointAddress.targetRef",
		},
		FieldRule{
			ID: "endpoints-node-not-ready", Kinds: []string{"Endpoints"}, Path: "subsets[].notReadyAddresses[].nodeName", Index: true,
			Reason: "it names a machine of this cluster",
			Source: "staging/src/k8s.io/api/core/v1/types.go, EndpointAddress.nodeName",
		},
		FieldRule{
			ID: "endpoint-slice-target", Kinds: []string{"EndpointSlice.discovery.k8s.io"}, Path: "endpoints[].targetRef", Index: true,
			Reason: "it names an object of this cluster by its uid",
			Source: "staging/src/k8s.io/api/discovery/v1/types.go, Endpoint.targetRef",
		},
		FieldRule{
			ID: "endpoint-slice-node", Kinds: []string{"EndpointSlice.discovery.k8s.io"}, Path: "endpoints[].nodeName", Index: true,
			Reason: "it names a machine of this cluster",
			Source: "staging/src/k8s.io/api/discovery/v1/types.go, Endpoint.nodeName",
		},
		FieldRule{
			ID: "endpoints-headless", Kinds: []string{"Endpoints", "EndpointSlice.discovery.k8s.io"},
			Path: `metadata.labels["service.kubernetes.io/headless"]`, Prune: true,
			Reason: "the endpoints controller sets it",
			Source: "pkg/controller/endpoint/endpoints_controller.go, IsHeadlessService",
		},
		FieldRule{
			ID: "claim-volume", Kinds: []string{"PersistentVolumeClaim"}, Path: "spec.volumeName", Index: true,
			Reason: "it binds to a volume of this cluster; a volume that is saved binds to its claim by name",
			Source: "staging/src/k8s.io/api/core/v1/types.go, PersistentVolumeClaimSpec.volumeName",
		},
		FieldRule{
			ID: "volume-claim-uid", Kinds: []string{"PersistentVolume"}, Path: "spec.claimRef.uid", Index: true,
			Reason: "a volume that names a claim of another cluster's uid counts as released for ever",
			Source: "pkg/controller/volume/persistentvolume/pv_controller.go, syncVolume",
		},
		FieldRule{
			ID: "volume-claim-version", Kinds: []string{"PersistentVolume"}, Path: "spec.claimRef.resourceVersion",
			Reason: "it is a position in the database of this cluster",
			Source: "staging/src/k8s.io/api/core/v1/types.go, ObjectReference.resourceVersion",
		},
	)
}
