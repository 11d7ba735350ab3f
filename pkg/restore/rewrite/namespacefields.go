package rewrite

import "slices"

// NamespaceFields is the table of the fields that name namespaces: those of Kubernetes, then those
// of well-known custom kinds. testdata/fields has a case for each row.
func NamespaceFields() []Field { return slices.Concat(builtInFields, customFields) }

const (
	apiReference = "https://kubernetes.io/docs/reference/kubernetes-api/"
	metadataName = "https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name"
)

// builtInFields are those of kinds that Kubernetes itself has.
var builtInFields = []Field{
	// What may be done.
	{
		Kind: "*Binding.rbac.authorization.k8s.io", Path: "subjects[].namespace",
		When:   map[string]string{"kind": "ServiceAccount"},
		Reason: "the service account that gets the role", Source: apiReference + "authorization-resources/role-binding-v1/",
	},
	{
		Kind: "*Binding.rbac.authorization.k8s.io", Path: "subjects[].name", Holds: FormUser, When: map[string]string{"kind": "User"},
		Reason: "a service account, by the name of its user",
		Source: "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects",
	},
	{
		Kind: "*Binding.rbac.authorization.k8s.io", Path: "subjects[].name", Holds: FormGroup, When: map[string]string{"kind": "Group"},
		Reason: "all service accounts of a namespace",
		Source: "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects",
	},
	{
		Kind: "ClusterRole.rbac.authorization.k8s.io", Path: "rules[].resourceNames[]", When: map[string]string{"resources": "namespaces"},
		Reason: "a role about single namespaces", Source: apiReference + "authorization-resources/cluster-role-v1/",
	},
	{
		Kind: "FlowSchema.flowcontrol.apiserver.k8s.io", Path: "spec.rules[].subjects[].serviceAccount.namespace",
		Reason: "requests of a service account", Source: apiReference + "cluster-resources/flow-schema-v1/",
	},
	{
		Kind: "FlowSchema.flowcontrol.apiserver.k8s.io", Path: "spec.rules[].subjects[].user.name", Holds: FormUser,
		Reason: "requests of a service account, by the name of its user", Source: apiReference + "cluster-resources/flow-schema-v1/",
	},
	{
		Kind: "FlowSchema.flowcontrol.apiserver.k8s.io", Path: "spec.rules[].subjects[].group.name", Holds: FormGroup,
		Reason: "requests of all service accounts of a namespace", Source: apiReference + "cluster-resources/flow-schema-v1/",
	},
	{
		Kind: "FlowSchema.flowcontrol.apiserver.k8s.io", Path: "spec.rules[].resourceRules[].namespaces[]",
		Reason: "requests about a namespace", Source: apiReference + "cluster-resources/flow-schema-v1/",
	},

	// What the API server calls.
	{
		Kind: "*WebhookConfiguration.admissionregistration.k8s.io", Path: "webhooks[].clientConfig.service.namespace",
		Reason: "the service that is asked", Source: apiReference + "extend-resources/validating-webhook-configuration-v1/",
	},
	{
		Kind: "*AdmissionPolicyBinding.admissionregistration.k8s.io", Path: "spec.paramRef.namespace",
		Reason: "the parameters of the policy", Source: apiReference + "policy-resources/validating-admission-policy-binding-v1/",
	},
	{
		Kind: "APIService.apiregistration.k8s.io", Path: "spec.service.namespace",
		Reason: "the service that serves the API", Source: apiReference + "cluster-resources/api-service-v1/",
	},
	{
		Kind: "CustomResourceDefinition.apiextensions.k8s.io", Path: "spec.conversion.webhook.clientConfig.service.namespace",
		Reason: "the service that converts", Source: apiReference + "extend-resources/custom-resource-definition-v1/",
	},
	{
		Kind: "CustomResourceDefinition.apiextensions.k8s.io", Path: "spec.conversion.webhookClientConfig.service.namespace",
		Reason: "the service that converts, in version v1beta1",
		Source: "https://v1-21.docs.kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/",
	},

	// Where data are.
	{
		Kind: "PersistentVolume", Path: "spec.claimRef.namespace",
		Reason: "the claim that the volume is for", Source: apiReference + "config-and-storage-resources/persistent-volume-v1/",
	},
	{
		Kind: "PersistentVolume", Path: "spec.csi.*.namespace",
		Reason: "a secret that the driver needs", Source: apiReference + "config-and-storage-resources/persistent-volume-v1/",
	},
	{
		Kind: "PersistentVolume", Path: "spec.*.secretRef.namespace",
		Reason: "a secret that the volume needs", Source: apiReference + "config-and-storage-resources/persistent-volume-v1/",
	},
	{
		Kind: "PersistentVolume", Path: "spec.azureFile.secretNamespace",
		Reason: "the secret of the share", Source: apiReference + "config-and-storage-resources/persistent-volume-v1/",
	},
	{
		Kind: "PersistentVolume", Path: "spec.glusterfs.endpointsNamespace",
		Reason: "the endpoints of the volume", Source: apiReference + "config-and-storage-resources/persistent-volume-v1/",
	},
	{
		Kind: "PersistentVolume", Path: `metadata.annotations."volume.kubernetes.io/provisioner-deletion-secret-namespace"`,
		Reason: "the secret that deletes the volume",
		Source: "https://kubernetes-csi.github.io/docs/secrets-and-credentials-storage-class.html",
	},
	{
		Kind: "StorageClass.storage.k8s.io", Path: `parameters."csi.storage.k8s.io/*-secret-namespace"`,
		Reason: "a secret that the driver needs", Source: "https://kubernetes-csi.github.io/docs/secrets-and-credentials-storage-class.html",
	},
	{
		Kind: "StorageClass.storage.k8s.io", Path: "parameters.*ecretNamespace",
		Reason: "a secret that a driver of before CSI needs", Source: "https://kubernetes.io/docs/concepts/storage/storage-classes/",
	},
	{
		Kind: "*SnapshotClass.*snapshot.storage.k8s.io", Path: `parameters."csi.storage.k8s.io/*-secret-namespace"`,
		Reason: "a secret that the driver needs",
		Source: "https://kubernetes-csi.github.io/docs/secrets-and-credentials-volume-snapshot-class.html",
	},
	{
		Kind: "VolumeSnapshotContent.snapshot.storage.k8s.io", Path: "spec.volumeSnapshotRef.namespace",
		Reason: "the snapshot that the content is for", Source: "https://kubernetes.io/docs/concepts/storage/volume-snapshots/",
	},
	{
		Kind: "VolumeSnapshotContent.snapshot.storage.k8s.io",
		Path: `metadata.annotations."snapshot.storage.kubernetes.io/deletion-secret-namespace"`, Reason: "the secret that deletes the snapshot",
		Source: "https://kubernetes-csi.github.io/docs/secrets-and-credentials-volume-snapshot-class.html",
	},
	{
		Kind: "PersistentVolumeClaim", Path: "spec.dataSourceRef.namespace",
		Reason: "what the volume is filled from", Source: apiReference + "config-and-storage-resources/persistent-volume-claim-v1/",
	},

	// What talks to what.
	{
		Kind: "*", Path: `**."*amespaceSelector".matchLabels."kubernetes.io/metadata.name"`,
		Reason: "a selector that means one namespace", Source: metadataName,
	},
	{
		Kind: "*", Path: `**."*amespaceSelector".matchExpressions[].values[]`, When: map[string]string{"key": "kubernetes.io/metadata.name"},
		Reason: "a selector that names namespaces", Source: metadataName,
	},
	{
		Kind: "*", Path: "**.podAffinityTerm.namespaces[]",
		Reason: "the Pods that a Pod wants to be near to, or far from", Source: apiReference + "workload-resources/pod-v1/#scheduling",
	},
	{
		Kind: "*", Path: "**.requiredDuringSchedulingIgnoredDuringExecution[].namespaces[]",
		Reason: "the Pods that a Pod has to be near to, or far from", Source: apiReference + "workload-resources/pod-v1/#scheduling",
	},
	{
		Kind: "Endpoints", Path: "subsets[].*[].targetRef.namespace",
		Reason: "the Pod behind an address", Source: apiReference + "service-resources/endpoints-v1/",
	},
	{
		Kind: "EndpointSlice.discovery.k8s.io", Path: "endpoints[].targetRef.namespace",
		Reason: "the Pod behind an address", Source: apiReference + "service-resources/endpoint-slice-v1/",
	},
	{
		Kind: "IngressClass.networking.k8s.io", Path: "spec.parameters.namespace",
		Reason: "the parameters of the class", Source: apiReference + "service-resources/ingress-class-v1/",
	},
}
