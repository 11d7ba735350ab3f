package restore

import "github.com/appbur/appbur"

// stage is a part of a restore that ends before the next begins. Order inside a
// stage comes from references between objects; stages exist for what no object
// says: that a controller acts on whatever it finds.
type stage int

const (
	stageState  stage = iota
	stagePods         // what limits judge, and controllers do not make
	stageLimits       // what refuses or fills in new objects, and pods that controllers make need
	stageWorkloads
	stageGuards
	stageAdmission
	stageNever // where blocked steps are written down
)

// barrierReasons says why a stage waits for the ones before it.
var barrierReasons = map[stage]string{
	stagePods:      "pods start when the custom resources they act on are complete, status included",
	stageLimits:    "a limit set earlier could refuse what the source had before it, or write its defaults into that",
	stageWorkloads: "controllers start when the custom resources they act on are complete, status included, and the limits of their pods are set",
	stageGuards:    "a quota set earlier could refuse what the source had; an aggregated API is registered after what serves it",
	stageAdmission: "an admission rule in force earlier could refuse the restore, or refuse all writes while its backend is not running",
}

// place is the position of a kind among objects that do not depend on each other.
type place struct {
	kind   appbur.GroupKind
	stage  stage
	reason string
}

// custom is the place of every kind that is not in the table.
var custom = appbur.GroupKind{Kind: "*"}

// places is the base order. It decides only between steps that are both ready;
// what an object needs is found by the rules in reference.go.
var places = []place{
	{appbur.GroupKind{Kind: "Namespace"}, stageState, "everything namespaced is in one"},
	{
		appbur.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"},
		stageState,
		"custom resources exist only when their kind does, and establishing it takes time",
	},
	{appbur.GroupKind{Group: "scheduling.k8s.io", Kind: "PriorityClass"}, stageState, "pods that name a missing class are refused"},
	{appbur.GroupKind{Group: "node.k8s.io", Kind: "RuntimeClass"}, stageState, "pods that name a missing class are refused"},
	{
		appbur.GroupKind{Group: "networking.k8s.io", Kind: "IngressClass"},
		stageState,
		"ingresses without a class they name are served by no one",
	},
	{appbur.GroupKind{Group: "storage.k8s.io", Kind: "CSIDriver"}, stageState, "volumes are provisioned by what it says"},
	{appbur.GroupKind{Group: "storage.k8s.io", Kind: "StorageClass"}, stageState, "claims without a class they name stay pending"},
	{appbur.GroupKind{Kind: "PersistentVolume"}, stageState, "a claim finds its old volume instead of a new one"},
	{appbur.GroupKind{Kind: "ServiceAccount"}, stageState, "pods that name a missing account are refused"},
	{appbur.GroupKind{Kind: "Secret"}, stageState, "pods wait for secrets they mount"},
	{appbur.GroupKind{Kind: "ConfigMap"}, stageState, "pods wait for config maps they mount"},
	{appbur.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}, stageState, "bindings name roles"},
	{appbur.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "Role"}, stageState, "bindings name roles"},
	{
		appbur.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"},
		stageState,
		"a controller without its rights fails at start",
	},
	{appbur.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}, stageState, "a controller without its rights fails at start"},
	{appbur.GroupKind{Group: "networking.k8s.io", Kind: "NetworkPolicy"}, stageState, "no pod may run without the policy that confines it"},
	{appbur.GroupKind{Kind: "PersistentVolumeClaim"}, stageState, "stateful sets adopt claims instead of making new ones"},
	{appbur.GroupKind{Kind: "Service"}, stageState, "pods see the services that exist when they start"},
	{custom, stageState, "custom resources are data until their controller runs"},
	{appbur.GroupKind{Kind: "Pod"}, stagePods, "runs as it was admitted in the source, whatever the limits are now"},
	{
		appbur.GroupKind{Kind: "LimitRange"},
		stageLimits,
		"it may be newer than claims and pods of the source and would refuse them; pods made by controllers take their defaults from it when they are made",
	},
	{appbur.GroupKind{Kind: "ReplicationController"}, stageWorkloads, "runs pods"},
	{appbur.GroupKind{Group: "apps", Kind: "ReplicaSet"}, stageWorkloads, "runs pods"},
	{appbur.GroupKind{Group: "apps", Kind: "StatefulSet"}, stageWorkloads, "runs pods"},
	{appbur.GroupKind{Group: "apps", Kind: "DaemonSet"}, stageWorkloads, "runs pods"},
	{appbur.GroupKind{Group: "apps", Kind: "Deployment"}, stageWorkloads, "runs pods"},
	{appbur.GroupKind{Group: "batch", Kind: "Job"}, stageWorkloads, "runs pods"},
	{appbur.GroupKind{Group: "batch", Kind: "CronJob"}, stageWorkloads, "runs pods on a clock"},
	{appbur.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}, stageWorkloads, "it acts on workloads"},
	{appbur.GroupKind{Kind: "ResourceQuota"}, stageGuards, "what the source already had may not be refused"},
	{
		appbur.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"},
		stageGuards,
		"until its backend runs it breaks discovery and namespace deletion",
	},
	{
		appbur.GroupKind{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicy"},
		stageAdmission,
		"it would change what is restored",
	},
	{
		appbur.GroupKind{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicyBinding"},
		stageAdmission,
		"it puts a policy in force",
	},
	{
		appbur.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicy"},
		stageAdmission,
		"it could refuse what the source already had",
	},
	{
		appbur.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicyBinding"},
		stageAdmission,
		"it puts a policy in force",
	},
	{
		appbur.GroupKind{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"},
		stageAdmission,
		"its backend must run first",
	},
	{
		appbur.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"},
		stageAdmission,
		"its backend must run first",
	},
}

// placeOf returns the stage of a kind and its rank in the base order.
func placeOf(kind appbur.GroupKind) (stage, int) {
	if i, ok := placeIndex[kind]; ok {
		return places[i].stage, i
	}
	i := placeIndex[custom]
	return places[i].stage, i
}

var placeIndex = func() map[appbur.GroupKind]int {
	index := make(map[appbur.GroupKind]int, len(places))
	for i, p := range places {
		index[p.kind] = i
	}
	return index
}()
