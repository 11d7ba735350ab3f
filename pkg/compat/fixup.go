package compat

import (
	"slices"

	"github.com/appbur/appbur"
)

// fixup is a change within one version: what a server tolerates in objects that
// exist but refuses in new ones, references to what was renamed, and fields that
// no server reads any more. It applies from the release that made it necessary.
type fixup struct {
	rule   string
	since  appbur.KubeVersion
	kinds  []appbur.GroupKind // empty: kinds with a pod template
	apply  func(*edit)
	reason string
	source string
}

func release(minor int) appbur.KubeVersion { return appbur.KubeVersion{Major: 1, Minor: minor} }

func kinds(group string, names ...string) []appbur.GroupKind {
	out := make([]appbur.GroupKind, len(names))
	for i, name := range names {
		out[i] = appbur.GroupKind{Group: group, Kind: name}
	}
	return out
}

// fixups is every fix-up, in the order of application.
var fixups = []fixup{
	{
		"cronjob-time-zone", release(25), kinds("batch", "CronJob"), cronJobTimeZone, "a new CronJob must name its time zone in spec.timeZone",
		"pkg/apis/batch/validation, validateScheduleFormat",
	},
	{
		"ingress-class-twice", release(19), kinds("networking.k8s.io", "Ingress"), ingressClassTwice,
		"a new Ingress must not name its class in the annotation and in spec, unless both agree and the server is 1.27 or later",
		"pkg/apis/networking/validation, ValidateIngressCreate",
	},
	{
		"webhook-side-effects", release(16), kinds("admissionregistration.k8s.io", webhookKinds...), webhookSideEffects,
		"a new webhook must say None or NoneOnDryRun", "pkg/apis/admissionregistration/validation",
	},
	{
		"webhook-review-versions", release(16), kinds("admissionregistration.k8s.io", webhookKinds...), webhookReviewVersions,
		"a new webhook must speak a review version the server knows", "pkg/apis/admissionregistration/validation",
	},
	{
		"webhook-rule-versions", release(16), kinds("admissionregistration.k8s.io", webhookKinds...), webhookRules,
		"a rule for a removed version guards nothing", "pkg/apis/admissionregistration",
	},
	{
		"admission-policy-rule-versions", release(26), kinds("admissionregistration.k8s.io", slices.Concat(validatingKinds, mutatingKinds)...),
		admissionPolicyRules, "a rule for a removed version guards nothing", "pkg/apis/admissionregistration",
	},
	{
		"crd-structural", release(22),
		[]appbur.GroupKind{crdKind},
		crdStructural,
		"a new CRD must have structural schemas and must not preserve unknown fields at the root",
		"apiextensions-apiserver pkg/apis/apiextensions/validation",
	},
	{
		"crd-protected-group", release(16),
		[]appbur.GroupKind{crdKind},
		crdProtectedGroup,
		"a new CRD in a group of the Kubernetes project must carry an approval", "KEP-1111",
	},
	{
		"legacy-signer", release(22), kinds("certificates.k8s.io", "CertificateSigningRequest"), legacySigner,
		"new requests to kubernetes.io/legacy-unknown are refused", "pkg/apis/certificates/validation",
	},
	{
		"hpa-target-version", release(16), kinds("autoscaling", "HorizontalPodAutoscaler"), autoscalerTarget,
		"the autoscaler finds its target by API group", "pkg/controller/podautoscaler",
	},
	{
		"rbac-extensions", release(16), kinds(rbacGroup, "Role", "ClusterRole"), rbacExtensions,
		"the group extensions moved to apps, networking.k8s.io and policy", sourceGuide,
	},
	{
		"canonical-addresses", release(36), kinds("", "Service", "Endpoints"), coreAddresses,
		"new objects must write addresses canonically (StrictIPCIDRValidation)", "KEP-4858",
	},
	{
		"canonical-addresses", release(36), kinds("networking.k8s.io", "NetworkPolicy"), policyAddresses,
		"new objects must write address ranges canonically (StrictIPCIDRValidation)", "KEP-4858",
	},
	{
		"canonical-addresses", release(36), kinds("discovery.k8s.io", "EndpointSlice"), sliceAddresses,
		"new objects must write addresses canonically (StrictIPCIDRValidation)", "KEP-4858",
	},
	{
		"endpointslice-topology", release(21), kinds("discovery.k8s.io", "EndpointSlice"), sliceTopology,
		"what was written as topology through v1beta1 is shown and cannot be written", "pkg/apis/discovery, EndpointSlice.DeprecatedTopology",
	},
	{
		"storage-topology-labels", release(17), kinds("", "PersistentVolume"), volumeTopology, "the beta topology labels have stable names",
		"https://kubernetes.io/docs/reference/labels-annotations-taints/",
	},
	{
		"storage-topology-labels", release(17), kinds("storage.k8s.io", "StorageClass"), classTopology,
		"the beta topology labels have stable names", "https://kubernetes.io/docs/reference/labels-annotations-taints/",
	},
	{
		"removed-provisioner", release(21), kinds("storage.k8s.io", "StorageClass"), classProvisioner, "in-tree provisioners are gone",
		sourceVolumes,
	},
	{"removed-volume", release(21), kinds("", "PersistentVolume"), persistentVolumePlugin, "in-tree volume plugins are gone", sourceVolumes},

	{
		"seccomp-annotation", release(27), nil, podSeccomp, "the annotations are not read any more, and must not contradict the field",
		"KEP-135",
	},
	{"apparmor-annotation", release(31), nil, podAppArmor, "the annotation must not contradict the field, and goes away", "KEP-24"},
	{
		"node-label-names", release(17), nil, podNodeLabels, "the beta node labels have stable names",
		"https://kubernetes.io/docs/reference/labels-annotations-taints/",
	},
	{"master-node-role", release(24), nil, podMasterRole, "kubeadm nodes carry control-plane instead of master", "KEP-2067"},
	{"removed-volume", release(21), nil, podVolumePlugins, "in-tree volume plugins are gone", sourceVolumes},
	{
		"canonical-addresses", release(36), nil, podAddresses, "new objects must write addresses canonically (StrictIPCIDRValidation)",
		"KEP-4858",
	},
}

const sourceVolumes = "https://kubernetes.io/docs/concepts/storage/volumes/"

// applyFixups runs what concerns the object's kind and the target's release.
func applyFixups(e *edit) {
	gvk, ok := GVKOf(e.object)
	if !ok {
		return
	}
	_, hasPods := podTemplates[gvk.GroupKind()]
	for _, f := range fixups {
		concerned := slices.Contains(f.kinds, gvk.GroupKind()) || (len(f.kinds) == 0 && hasPods)
		if !concerned || !e.atLeast(f.since) {
			continue
		}
		e.rule = f.rule
		f.apply(e)
	}
}
