package compat

import (
	"slices"

	"github.com/appbur/appbur"
)

// conversion is one step from a version of a kind to a later one. Steps are
// chained, so each is small.
type conversion struct {
	from, to GroupVersionKind
	rule     string
	apply    func(*edit) // nil when the versions differ in name alone
	reason   string
	source   string
}

// conversionRow is how the table below is written: one row for several kinds.
type conversionRow struct {
	rule     string
	kinds    []string
	from, to string // apiVersion
	apply    func(*edit)
	reason   string
	source   string
}

var (
	workloads       = []string{"Deployment", "DaemonSet", "ReplicaSet", "StatefulSet", "ControllerRevision"}
	webhookKinds    = []string{"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}
	validatingKinds = []string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
	mutatingKinds   = []string{"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"}
	rbacKinds       = []string{"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
	flowKinds       = []string{"FlowSchema", "PriorityLevelConfiguration"}
	deviceKinds     = []string{"DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"}
	addressKinds    = []string{"IPAddress", "ServiceCIDR"}
)

const (
	sourceGuide   = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"
	sourceAPIs    = "kubernetes/kubernetes pkg/apis, conversion.go and defaults.go of the group"
	sourceSameGo  = "kubernetes/kubernetes: the generated conversion copies every field"
	sourceIngress = "kubernetes/kubernetes pkg/apis/networking/v1beta1/conversion.go"
)

// conversionTable is every conversion this package knows.
var conversionTable = []conversionRow{
	// Workloads.
	{
		"deployment-extensions",
		[]string{"Deployment"},
		"extensions/v1beta1", "apps/v1", deploymentFromExtensions,
		"apps/v1 requires a selector, has no rollbackTo and other defaults", sourceAPIs,
	},
	{
		"daemonset-extensions",
		[]string{"DaemonSet"},
		"extensions/v1beta1", "apps/v1", daemonSetFromExtensions,
		"apps/v1 requires a selector, has no templateGeneration and updates by itself", sourceAPIs,
	},
	{
		"selector-required",
		[]string{"ReplicaSet"},
		"extensions/v1beta1", "apps/v1", selectorFromTemplate, "apps/v1 requires a selector",
		sourceAPIs,
	},
	{
		"deployment-apps-v1beta1",
		[]string{"Deployment"},
		"apps/v1beta1", "apps/v1", deploymentFromAppsBeta1,
		"apps/v1 requires a selector, has no rollbackTo and other defaults", sourceAPIs,
	},
	{
		"statefulset-apps-v1beta1",
		[]string{"StatefulSet"},
		"apps/v1beta1", "apps/v1", statefulSetFromAppsBeta1,
		"apps/v1 requires a selector and updates by itself", sourceAPIs,
	},
	{"rename", []string{"ControllerRevision"}, "apps/v1beta1", "apps/v1", nil, "same fields", sourceSameGo},
	{"rename", workloads, "apps/v1beta2", "apps/v1", nil, "same fields and defaults", sourceSameGo},
	{"rename", []string{"CronJob"}, "batch/v2alpha1", "batch/v1beta1", nil, "same fields", sourceSameGo},
	{"rename", []string{"CronJob"}, "batch/v1beta1", "batch/v1", nil, "same fields", sourceGuide},
	{
		"pdb-empty-selector",
		[]string{"PodDisruptionBudget"},
		"policy/v1beta1", "policy/v1", podDisruptionBudget,
		"an empty selector means no pod in v1beta1 and every pod in v1", "kubernetes/kubernetes pkg/apis/policy/v1beta1/conversion.go",
	},
	{"rename", []string{"PodSecurityPolicy"}, "extensions/v1beta1", "policy/v1beta1", nil, "same fields", sourceSameGo},
	{"rename", []string{"HorizontalPodAutoscaler"}, "autoscaling/v2alpha1", "autoscaling/v2beta1", nil, "same fields", sourceSameGo},
	{
		"hpa-v2beta1",
		[]string{"HorizontalPodAutoscaler"},
		"autoscaling/v2beta1", "autoscaling/v2beta2", horizontalPodAutoscaler,
		"metrics have an identifier and a target", "kubernetes/kubernetes pkg/apis/autoscaling/v2beta1/conversion.go",
	},
	{"rename", []string{"HorizontalPodAutoscaler"}, "autoscaling/v2beta2", "autoscaling/v2", nil, "same fields", sourceGuide},
	{"rename", []string{"PriorityClass"}, "scheduling.k8s.io/v1alpha1", "scheduling.k8s.io/v1", nil, "same fields", sourceSameGo},
	{"rename", []string{"PriorityClass"}, "scheduling.k8s.io/v1beta1", "scheduling.k8s.io/v1", nil, "same fields", sourceGuide},
	{
		"runtimeclass-v1alpha1",
		[]string{"RuntimeClass"},
		"node.k8s.io/v1alpha1", "node.k8s.io/v1beta1", runtimeClass,
		"the fields of spec moved to the top", "kubernetes/kubernetes pkg/apis/node/v1alpha1/conversion.go",
	},
	{"rename", []string{"RuntimeClass"}, "node.k8s.io/v1beta1", "node.k8s.io/v1", nil, "same fields", sourceGuide},

	// Network.
	{"rename", []string{"Ingress"}, "extensions/v1beta1", "networking.k8s.io/v1beta1", nil, "same fields", sourceGuide},
	{
		"ingress-backend",
		[]string{"Ingress"},
		"networking.k8s.io/v1beta1", "networking.k8s.io/v1", ingress,
		"backends name a service and a port; pathType is required", sourceIngress,
	},
	{"rename", []string{"IngressClass"}, "networking.k8s.io/v1beta1", "networking.k8s.io/v1", nil, "same fields", sourceGuide},
	{
		"network-policy-types",
		[]string{"NetworkPolicy"},
		"extensions/v1beta1", "networking.k8s.io/v1", networkPolicy,
		"same fields; policyTypes made explicit", sourceAPIs,
	},
	{
		"endpointslice-topology",
		[]string{"EndpointSlice"},
		"discovery.k8s.io/v1alpha1", "discovery.k8s.io/v1beta1", endpointSliceFromAlpha,
		"addressType IP became IPv4", sourceAPIs,
	},
	{
		"endpointslice-topology",
		[]string{"EndpointSlice"},
		"discovery.k8s.io/v1beta1", "discovery.k8s.io/v1", endpointSlice,
		"topology became zone and nodeName", "kubernetes/kubernetes pkg/apis/discovery/v1beta1/conversion.go",
	},
	{"rename", addressKinds, "networking.k8s.io/v1alpha1", "networking.k8s.io/v1beta1", nil, "same fields", sourceSameGo},
	{"rename", addressKinds, "networking.k8s.io/v1beta1", "networking.k8s.io/v1", nil, "same fields", sourceSameGo},

	// Access and admission.
	{
		"rbac-subject-group", rbacKinds, "rbac.authorization.k8s.io/v1alpha1", "rbac.authorization.k8s.io/v1beta1", rbacSubjects,
		"subjects name a group instead of an API version", "kubernetes/kubernetes pkg/apis/rbac/v1alpha1/conversion.go",
	},
	{"rename", rbacKinds, "rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1", nil, "same fields", sourceGuide},
	{
		"webhook-v1", webhookKinds, "admissionregistration.k8s.io/v1beta1", "admissionregistration.k8s.io/v1", webhookConfiguration,
		"other defaults; sideEffects and admissionReviewVersions are required", sourceGuide,
	},
	{
		"admission-policy-alpha", validatingKinds, "admissionregistration.k8s.io/v1alpha1", "admissionregistration.k8s.io/v1beta1",
		admissionPolicyFromAlpha, "validationActions and parameterNotFoundAction are required", sourceAPIs,
	},
	{"rename", validatingKinds, "admissionregistration.k8s.io/v1beta1", "admissionregistration.k8s.io/v1", nil, "same fields", sourceSameGo},
	{
		"rename", mutatingKinds, "admissionregistration.k8s.io/v1alpha1", "admissionregistration.k8s.io/v1beta1", nil, "same fields",
		sourceSameGo,
	},
	{"rename", mutatingKinds, "admissionregistration.k8s.io/v1beta1", "admissionregistration.k8s.io/v1", nil, "same fields", sourceSameGo},
	{
		"rename",
		[]string{"ClusterTrustBundle"},
		"certificates.k8s.io/v1alpha1", "certificates.k8s.io/v1beta1", nil, "same fields",
		sourceSameGo,
	},
	{"rename", []string{"ClusterTrustBundle"}, "certificates.k8s.io/v1beta1", "certificates.k8s.io/v1", nil, "same fields", sourceSameGo},

	// The API server itself.
	{
		"crd-v1",
		[]string{"CustomResourceDefinition"},
		"apiextensions.k8s.io/v1beta1", "apiextensions.k8s.io/v1", customResourceDefinition,
		"everything that can differ by version moved into spec.versions",
		"k8s.io/apiextensions-apiserver pkg/apis/apiextensions/v1/conversion.go",
	},
	{"rename", []string{"APIService"}, "apiregistration.k8s.io/v1beta1", "apiregistration.k8s.io/v1", nil, "same fields", sourceGuide},
	{"rename", flowKinds, "flowcontrol.apiserver.k8s.io/v1alpha1", "flowcontrol.apiserver.k8s.io/v1beta1", nil, "same fields", sourceSameGo},
	{"rename", flowKinds, "flowcontrol.apiserver.k8s.io/v1beta1", "flowcontrol.apiserver.k8s.io/v1beta2", nil, "same fields", sourceSameGo},
	{
		"flow-shares", flowKinds, "flowcontrol.apiserver.k8s.io/v1beta2", "flowcontrol.apiserver.k8s.io/v1beta3", nominalShares,
		"assuredConcurrencyShares is called nominalConcurrencyShares", sourceGuide,
	},
	{
		"flow-zero-shares", flowKinds, "flowcontrol.apiserver.k8s.io/v1beta3", "flowcontrol.apiserver.k8s.io/v1", zeroShares,
		"v1 takes zero shares literally", sourceGuide,
	},
	{
		"storage-version-migration",
		[]string{"StorageVersionMigration"},
		"storagemigration.k8s.io/v1alpha1", "storagemigration.k8s.io/v1beta1",
		storageVersionMigration, "the resource has no version, and there is no token to continue from", sourceAPIs,
	},
	{
		"rename",
		[]string{"StorageVersionMigration"},
		"storagemigration.k8s.io/v1beta1", "storagemigration.k8s.io/v1", nil, "same fields",
		sourceSameGo,
	},
	{"rename", []string{"Lease"}, "coordination.k8s.io/v1beta1", "coordination.k8s.io/v1", nil, "same fields", sourceGuide},

	// Storage and devices.
	{
		"rename",
		[]string{"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "CSIStorageCapacity", "VolumeAttributesClass"},
		"storage.k8s.io/v1beta1", "storage.k8s.io/v1", nil, "same fields", sourceGuide,
	},
	{
		"rename",
		[]string{"CSIStorageCapacity", "VolumeAttachment", "VolumeAttributesClass"},
		"storage.k8s.io/v1alpha1",
		"storage.k8s.io/v1beta1", nil, "same fields", sourceSameGo,
	},
	{
		"device-alpha",
		[]string{"DeviceClass", "ResourceClaim", "ResourceClaimTemplate"},
		"resource.k8s.io/v1alpha3", "resource.k8s.io/v1beta1",
		devicesFromAlpha, "control plane controllers are gone", "kubernetes/enhancements KEP-4381",
	},
	{
		"device-request-exactly", deviceKinds, "resource.k8s.io/v1beta1", "resource.k8s.io/v1beta2", deviceRequests,
		"what a request wants moved under exactly", "kubernetes/kubernetes pkg/apis/resource/v1beta1/conversion.go",
	},
	{"rename", deviceKinds, "resource.k8s.io/v1beta2", "resource.k8s.io/v1", nil, "same fields", sourceSameGo},
	{
		"device-taint-selector",
		[]string{"DeviceTaintRule"},
		"resource.k8s.io/v1alpha3", "resource.k8s.io/v1beta2", deviceTaintRule,
		"the selector names devices only, not classes", sourceAPIs,
	},
	{"rename", []string{"DeviceTaintRule"}, "resource.k8s.io/v1beta2", "resource.k8s.io/v1", nil, "same fields", sourceSameGo},
}

// conversionsFrom indexes the table by where a step starts.
var conversionsFrom = func() map[GroupVersionKind][]conversion {
	index := map[GroupVersionKind][]conversion{}
	for _, row := range conversionTable {
		for _, kind := range row.kinds {
			from, _ := GVKOf(map[string]any{"apiVersion": row.from, "kind": kind})
			to, _ := GVKOf(map[string]any{"apiVersion": row.to, "kind": kind})
			index[from] = append(index[from],
				conversion{from: from, to: to, rule: row.rule, apply: row.apply, reason: row.reason, source: row.source})
		}
	}
	return index
}()

// reachable returns the shortest way to every version that conversions lead to.
func reachable(from GroupVersionKind) [][]conversion {
	var paths [][]conversion
	seen := map[GroupVersionKind]bool{from: true}

	queue := [][]conversion{nil}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		at := from
		if len(path) > 0 {
			at = path[len(path)-1].to
		}
		for _, step := range conversionsFrom[at] {
			if seen[step.to] {
				continue
			}
			seen[step.to] = true
			longer := append(slices.Clone(path), step)
			paths = append(paths, longer)
			queue = append(queue, longer)
		}
	}

	return paths
}

// ending is why a kind ended without a successor, and what to do.
type ending struct{ reason, hint string }

var endings = map[appbur.GroupKind]ending{
	{Group: "policy", Kind: "PodSecurityPolicy"}: {
		"PodSecurityPolicies have no successor of the same shape",
		"leave it out and label namespaces with pod-security.kubernetes.io/enforce, or use a policy engine",
	},
	{Group: "extensions", Kind: "PodSecurityPolicy"}: {
		"PodSecurityPolicies have no successor of the same shape",
		"leave it out and label namespaces with pod-security.kubernetes.io/enforce, or use a policy engine",
	},
	{Group: "settings.k8s.io", Kind: "PodPreset"}: {
		"presets were given up",
		"leave it out and use a mutating webhook or a MutatingAdmissionPolicy",
	},
	{Group: "auditregistration.k8s.io", Kind: "AuditSink"}: {
		"dynamic audit sinks were given up",
		"leave it out and configure the audit webhook of the API server",
	},
	{Group: "networking.k8s.io", Kind: "ClusterCIDR"}: {
		"the allocator that read it was given up",
		"leave it out and configure pod ranges in the network plugin",
	},
	{Group: "certificates.k8s.io", Kind: "CertificateSigningRequest"}: {
		"a request is bound to the moment it was made",
		"leave it out: the client that needs a certificate requests it again",
	},
	{Group: "certificates.k8s.io", Kind: "PodCertificateRequest"}: {
		"a request is bound to the pod it was made for",
		"leave it out: the kubelet requests it again",
	},
	{Group: "events.k8s.io", Kind: "Event"}:                {"events record what happened in the old cluster", "leave it out"},
	{Group: "coordination.k8s.io", Kind: "LeaseCandidate"}: {"candidates register again", "leave it out"},
	{Group: "resource.k8s.io", Kind: "ResourceClass"}: {
		"device allocation was redesigned in 1.31",
		"leave it out and write a DeviceClass for the new driver",
	},
	{Group: "resource.k8s.io", Kind: "ResourceClassParameters"}: {
		"device allocation was redesigned in 1.31",
		"leave it out and write a DeviceClass for the new driver",
	},
	{Group: "resource.k8s.io", Kind: "ResourceClaimParameters"}: {
		"device allocation was redesigned in 1.31",
		"leave it out and write the selectors into the ResourceClaim",
	},
	{Group: "resource.k8s.io", Kind: "ResourceClaim"}: {
		"device allocation was redesigned in 1.31",
		"leave it out and write a ResourceClaim that names a DeviceClass",
	},
	{Group: "resource.k8s.io", Kind: "ResourceClaimTemplate"}: {
		"device allocation was redesigned in 1.31",
		"leave it out and write a template that names a DeviceClass",
	},
	{Group: "resource.k8s.io", Kind: "ResourceSlice"}:        {"drivers publish their devices again", "leave it out"},
	{Group: "resource.k8s.io", Kind: "PodScheduling"}:        {"it coordinated a scheduling that is over", "leave it out"},
	{Group: "resource.k8s.io", Kind: "PodSchedulingContext"}: {"it coordinated a scheduling that is over", "leave it out"},
}
