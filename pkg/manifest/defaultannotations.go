package manifest

// noise is one annotation that is dropped.
type noise struct{ key, reason string }

var noisyAnnotations = []noise{
	{lastApplied, "it repeats the object, values of Secrets included"},
	{"deployment.kubernetes.io/revision", "the deployment controller counts revisions itself"},
	{"deployment.kubernetes.io/revision-history", "the deployment controller counts revisions itself"},
	{"deployment.kubernetes.io/desired-replicas", "the deployment controller sets it on ReplicaSets"},
	{"deployment.kubernetes.io/max-replicas", "the deployment controller sets it on ReplicaSets"},
	{"deprecated.daemonset.template.generation", "the server keeps it for a version that is gone"},
	{"deprecated.deployment.rollback.to", "it asks for one rollback that has been done"},
	{"autoscaling.alpha.kubernetes.io/conditions", "it is the status of an autoscaler read through autoscaling/v1"},
	{"autoscaling.alpha.kubernetes.io/current-metrics", "it is the status of an autoscaler read through autoscaling/v1"},
	{"pv.kubernetes.io/bind-completed", "it is true of a volume of this cluster"},
	{"pv.kubernetes.io/bound-by-controller", "it is true of a volume of this cluster"},
	{"pv.kubernetes.io/migrated-to", "the volume controllers set it"},
	{"volume.kubernetes.io/selected-node", "it names a machine of this cluster"},
	{"volume.kubernetes.io/storage-provisioner", "the volume controller sets it from the storage class"},
	{"volume.beta.kubernetes.io/storage-provisioner", "the volume controller sets it from the storage class"},
	{"volume.kubernetes.io/storage-resizer", "the volume controller sets it while it resizes"},
	{"endpoints.kubernetes.io/last-change-trigger-time", "it changes with every Pod"},
	{"endpoints.kubernetes.io/over-capacity", "the endpoints controller sets it"},
	{"kubernetes.io/limit-ranger", "it reports which defaults were set at admission"},
	{"batch.kubernetes.io/job-tracking", "the job controller sets it"},
	{"batch.kubernetes.io/cronjob-scheduled-timestamp", "the cron job controller sets it"},
	{"batch.kubernetes.io/job-completion-index", "the job controller sets it"},
	{"batch.kubernetes.io/job-index-failure-count", "the job controller sets it"},
	{"batch.kubernetes.io/job-index-ignored-failure-count", "the job controller sets it"},
	{"kubernetes.io/service-account.uid", "it is the identity of a service account of this cluster"},
	{"node.alpha.kubernetes.io/ttl", "the node controller sets it"},
	{"csi.volume.kubernetes.io/nodeid", "it names a machine of this cluster"},
	{"storage.alpha.kubernetes.io/migrated-plugins", "the kubelet sets it"},
	{"kubernetes.io/config.hash", "the kubelet sets it on static Pods"},
	{"kubernetes.io/config.seen", "the kubelet sets it on static Pods"},
	{"kubernetes.io/config.source", "the kubelet sets it on static Pods"},
	{"kubernetes.io/psp", "it names the policy that admitted a Pod; the policies are gone from 1.25 on"},
	{"field.cattle.io/publicEndpoints", "Rancher observes addresses of this cluster"},
	{"cni.projectcalico.org/podIP", "it is an address of this cluster"},
	{"cni.projectcalico.org/podIPs", "it is an address of this cluster"},
	{"cni.projectcalico.org/containerID", "it names a container of this cluster"},
}

// annotationFields make one rule of each annotation.
func annotationFields() []FieldRule {
	rules := make([]FieldRule, 0, len(noisyAnnotations))
	for _, a := range noisyAnnotations {
		rules = append(rules, FieldRule{
			ID: "annotation-" + a.key, Kinds: []string{EveryKind}, Path: `metadata.annotations["` + a.key + `"]`, Prune: true, Reason: a.reason,
		})
	}
	return rules
}
