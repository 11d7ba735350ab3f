package manifest

// noise is one annotation that is taken out, with the reason and the source.
type noise struct{ key, reason, source string }

// The files that define most of the annotations.
const (
	coreAnnotations = "staging/src/k8s.io/api/core/v1/annotation_key_constants.go"
	batchConstants  = "staging/src/k8s.io/api/batch/v1/types.go"
	volumeConstants = "staging/src/k8s.io/component-helpers/storage/volume/pv_helpers.go"
	kubeletTypes    = "pkg/kubelet/types/pod_update.go"
	deploymentUtil  = "pkg/controller/deployment/util/deployment_util.go"
	calicoConstants = "projectcalico/calico, libcalico-go/lib/backend/k8s/conversion/constants.go"
)

// secretCopies are the annotations that repeat the values of a Secret. On other
// kinds their tools keep no secrets in them, and they stay.
var secretCopies = []noise{
	{
		"openshift.io/token-secret.value", "it is a service account token in clear",
		"openshift/origin, docker registry service account controllers; argo-cd hides it by name",
	},
	{"kapp.k14s.io/original", "it repeats the Secret, and kapp writes it again", "carvel-dev/kapp, pkg/kapp/diff/resource_with_history.go"},
	{"kapp.k14s.io/original-diff", "it repeats parts of the Secret", "carvel-dev/kapp, pkg/kapp/diff/resource_with_history.go"},
	{"kapp.k14s.io/original-diff-full", "it repeats parts of the Secret", "carvel-dev/kapp, pkg/kapp/diff/resource_with_history.go"},
	{
		"objectset.rio.cattle.io/applied", "it repeats the Secret, and the controller writes it again",
		"rancher/wrangler, pkg/apply/desiredset_compare.go",
	},
	{
		"banzaicloud.com/last-applied", "it repeats the Secret, and the operator writes it again",
		"banzaicloud/k8s-objectmatcher, patch/annotation.go",
	},
	{
		"banzaicloud.io/last-applied", "it repeats the Secret, and the operator writes it again",
		"banzaicloud/k8s-objectmatcher, patch/annotation.go",
	},
}

// noisyAnnotations are dropped.
var noisyAnnotations = []noise{
	{"deployment.kubernetes.io/revision", "the deployment controller counts revisions itself", deploymentUtil},
	{"deployment.kubernetes.io/revision-history", "the deployment controller counts revisions itself", deploymentUtil},
	{"deployment.kubernetes.io/desired-replicas", "the deployment controller sets it on ReplicaSets", deploymentUtil},
	{"deployment.kubernetes.io/max-replicas", "the deployment controller sets it on ReplicaSets", deploymentUtil},
	{"deprecated.daemonset.template.generation", "the server keeps it for a version that is gone", "staging/src/k8s.io/api/apps/v1/types.go"},
	{"deprecated.deployment.rollback.to", "it requests one rollback that has been done", "staging/src/k8s.io/api/apps/v1/types.go"},
	{
		"control-plane.alpha.kubernetes.io/leader", "a process of this cluster renews it every few seconds",
		"client-go/tools/leaderelection/resourcelock/interface.go",
	},
	{
		"autoscaling.alpha.kubernetes.io/conditions", "it is the status of an autoscaler read through autoscaling/v1",
		"pkg/apis/autoscaling/annotations.go",
	},
	{
		"autoscaling.alpha.kubernetes.io/current-metrics", "it is the status of an autoscaler read through autoscaling/v1",
		"pkg/apis/autoscaling/annotations.go",
	},
	{"pv.kubernetes.io/bind-completed", "it is true of a volume of this cluster", volumeConstants},
	{"pv.kubernetes.io/bound-by-controller", "it is true of a volume of this cluster", volumeConstants},
	{"pv.kubernetes.io/migrated-to", "the volume controllers set it", "pkg/controller/volume/persistentvolume/pv_controller_base.go"},
	{"volume.kubernetes.io/selected-node", "it names a machine of this cluster", volumeConstants},
	{"volume.kubernetes.io/storage-provisioner", "the volume controller sets it from the storage class", volumeConstants},
	{"volume.beta.kubernetes.io/storage-provisioner", "the volume controller sets it from the storage class", volumeConstants},
	{"volume.kubernetes.io/storage-resizer", "the volume controller sets it while it resizes", "pkg/volume/util/types/types.go"},
	{"endpoints.kubernetes.io/last-change-trigger-time", "it changes with every Pod", coreAnnotations},
	{"endpoints.kubernetes.io/over-capacity", "the endpoints controller sets it", coreAnnotations},
	{"kubernetes.io/limit-ranger", "it reports which defaults were set at admission", "plugin/pkg/admission/limitranger/admission.go"},
	{"batch.kubernetes.io/job-tracking", "the job controller sets it", "KEP-2307, job tracking without lingering pods"},
	{"batch.kubernetes.io/cronjob-scheduled-timestamp", "the cron job controller sets it", batchConstants},
	{"batch.kubernetes.io/job-completion-index", "the job controller sets it", batchConstants},
	{"batch.kubernetes.io/job-index-failure-count", "the job controller sets it", batchConstants},
	{"batch.kubernetes.io/job-index-ignored-failure-count", "the job controller sets it", batchConstants},
	{
		"kubernetes.io/service-account.uid", "it is the identity of a service account of this cluster",
		"staging/src/k8s.io/api/core/v1/types.go, ServiceAccountUIDKey",
	},
	{"node.alpha.kubernetes.io/ttl", "the node controller sets it", coreAnnotations},
	{"csi.volume.kubernetes.io/nodeid", "it names a machine of this cluster", "pkg/volume/csi/nodeinfomanager/nodeinfomanager.go"},
	{"storage.alpha.kubernetes.io/migrated-plugins", "the kubelet sets it", coreAnnotations},
	{"kubernetes.io/config.hash", "the kubelet sets it on static Pods", kubeletTypes},
	{"kubernetes.io/config.seen", "the kubelet sets it on static Pods", kubeletTypes},
	{"kubernetes.io/config.source", "the kubelet sets it on static Pods", kubeletTypes},
	{
		"kubernetes.io/psp", "it names the policy that admitted a Pod; the policies are gone from 1.25 on",
		"pkg/security/podsecuritypolicy/util/util.go of 1.24",
	},
	{
		"field.cattle.io/publicEndpoints", "Rancher observes addresses of this cluster",
		"rancher/rancher, pkg/controllers/managementagent/endpoints",
	},
	{"cni.projectcalico.org/podIP", "it is an address of this cluster", calicoConstants},
	{"cni.projectcalico.org/podIPs", "it is an address of this cluster", calicoConstants},
	{"cni.projectcalico.org/containerID", "it names a container of this cluster", calicoConstants},
}

// localAnnotations are true in one cluster only, but a restore into the same place
// may want them back, so they go into the index.
var localAnnotations = []noise{
	{
		"argocd.argoproj.io/tracking-id", "Argo CD marks with it what it manages in this cluster, and marks it again at the next sync",
		"argoproj/argo-cd, common/common.go",
	},
	{"argocd.argoproj.io/installation-id", "it names one installation of Argo CD", "argoproj/argo-cd, common/common.go"},
	{"openshift.io/sa.scc.mcs", "OpenShift allocates it to a namespace from ranges of its own", "openshift/api, security/v1/consts.go"},
	{
		"openshift.io/sa.scc.supplemental-groups", "OpenShift allocates it to a namespace from ranges of its own",
		"openshift/api, security/v1/consts.go",
	},
	{"openshift.io/sa.scc.uid-range", "OpenShift allocates it to a namespace from ranges of its own", "openshift/api, security/v1/consts.go"},
	{
		"openshift.io/internal-registry-pull-secret-ref", "it names a registry secret that OpenShift made for this service account",
		"openshift-controller-manager, pkg/serviceaccounts/controllers",
	},
}

// annotationFields make one rule of each annotation.
func annotationFields() []FieldRule {
	rules := make([]FieldRule, 0, len(noisyAnnotations)+len(localAnnotations))
	for _, a := range noisyAnnotations {
		rules = append(rules, a.rule(false))
	}
	for _, a := range localAnnotations {
		rules = append(rules, a.rule(true))
	}
	return rules
}

func (n noise) rule(index bool) FieldRule {
	return FieldRule{
		ID: "annotation-" + n.key, Kinds: []string{EveryKind}, Path: `metadata.annotations["` + n.key + `"]`,
		Index: index, Prune: true, Reason: n.reason, Source: n.source,
	}
}
