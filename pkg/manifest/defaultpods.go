package manifest

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
			Source: "staging/src/k8s.io/api/core/v1/types.go, PodSpec.nodeName",
		},
		{
			ID: "pod-service-account-alias", Kinds: pod, Path: "spec.serviceAccount",
			Reason: "it is the old name of serviceAccountName, which stays",
			Source: "staging/src/k8s.io/api/core/v1/types.go, PodSpec.serviceAccount (deprecated)",
		},
		{
			ID: "pod-priority", Kinds: pod, Path: "spec.priority", When: Not{Requested{}}, Index: true,
			Reason: "admission computes it from the priority class",
			Source: "plugin/pkg/admission/priority/admission.go",
		},
		{
			ID: "pod-preemption", Kinds: pod, Path: "spec.preemptionPolicy", When: Not{Requested{}}, Index: true,
			Reason: "admission computes it from the priority class",
			Source: "plugin/pkg/admission/priority/admission.go",
		},
		{
			ID: "pod-ephemeral-containers", Kinds: pod, Path: "spec.ephemeralContainers", Index: true,
			Reason: "they were added to debug the Pod; it cannot be created with them",
			Source: "pkg/registry/core/pod/strategy.go; KEP-277",
		},
		{
			ID: "pod-token-volumes", Kinds: pod, Path: "spec.volumes[]", When: tokenVolume, Index: true, Prune: true,
			Reason: "admission adds a volume for the token of the service account",
			Source: "plugin/pkg/admission/serviceaccount/admission.go, ServiceAccountVolumeName",
		},
		{
			ID: "pod-tolerations", Kinds: pod, Path: "spec.tolerations[]", Index: true, Prune: true,
			When: All{
				Is{Path: "key", Values: []string{"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}},
				Is{Path: "effect", Values: []string{"NoExecute"}},
				Is{Path: "tolerationSeconds", Values: []string{"300"}},
			},
			Reason: "admission adds it to every Pod",
			Source: "plugin/pkg/admission/defaulttolerationseconds/admission.go",
		},
	}

	for _, list := range []string{"containers", "initContainers"} {
		rules = append(rules, FieldRule{
			ID: "pod-token-mounts-" + list, Kinds: pod, Path: "spec." + list + "[].volumeMounts[]", When: tokenMount, Index: true, Prune: true,
			Reason: "admission adds a mount for the token of the service account",
			Source: "plugin/pkg/admission/serviceaccount/admission.go, DefaultAPITokenMountPath",
		})
	}

	for _, label := range []string{
		"pod-template-hash", "controller-revision-hash", "pod-template-generation",
		"statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index",
	} {
		rules = append(rules, FieldRule{
			ID: "pod-label-" + label, Kinds: pod, Path: `metadata.labels["` + label + `"]`, Index: true, Prune: true,
			Reason: "a controller set it; a Pod with it may be adopted",
			Source: "staging/src/k8s.io/api/apps/v1/types.go, label constants",
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
			Source: "pkg/registry/batch/job/strategy.go, generateSelector",
		},
	}

	for _, label := range []string{"controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name"} {
		rules = append(
			rules,
			FieldRule{
				ID: "job-template-label-" + label, Kinds: job, Path: `spec.template.metadata.labels["` + label + `"]`, When: generated, Index: true,
				Prune:  true,
				Reason: "the server makes it for the selector",
				Source: "pkg/registry/batch/job/strategy.go, generateSelector",
			},
			FieldRule{
				ID: "job-label-" + label, Kinds: job, Path: `metadata.labels["` + label + `"]`, When: generated, Index: true, Prune: true,
				Reason: "API servers before 1.27 copy the labels of the template",
				Source: "pkg/apis/batch/v1/defaults.go, SetDefaults_Job",
			},
		)
	}

	return rules
}
