package manifest

import "slices"

// defaultObjectRules are asked in this order. Whole kinds come first, then what
// must never be lost, then what is derived.
func defaultObjectRules() []ObjectRule {
	return slices.Concat(kindRulesDefault(), ownerRulesDefault(), coreRulesDefault(), policyRulesDefault())
}

// controlPlane are the field managers of Kubernetes itself, in upstream builds and
// in distributions that put everything into one program.
var controlPlane = []string{
	"kube-apiserver", "kube-controller-manager", "cloud-controller-manager", "kube-scheduler", "kubelet",
	"clusterrole-aggregation-controller", "hyperkube", "k3s",
}

// kindRulesDefault leave out whole kinds, so that they are not even read.
func kindRulesDefault() []ObjectRule {
	return []ObjectRule{
		{
			ID: "exclude-events", Effect: Exclude, Kinds: []string{"Event", "Event.events.k8s.io"},
			Reason: "events report the past and expire within hours",
		},
		{
			ID: "exclude-leases", Effect: Exclude, Kinds: []string{"Lease.coordination.k8s.io", "LeaseCandidate.coordination.k8s.io"},
			Reason: "a lease is held by a process of this cluster and is renewed every few seconds",
		},
		{
			ID: "exclude-nodes", Effect: Exclude, Kinds: []string{"Node", "CSINode.storage.k8s.io"},
			Reason: "machines register themselves; another cluster has other machines",
		},
		{
			ID: "exclude-storage-observations", Effect: Exclude, Kinds: []string{"CSIStorageCapacity.storage.k8s.io", "VolumeAttachment.storage.k8s.io"},
			Reason: "the storage driver reports these about the machines of this cluster",
		},
		{
			ID: "exclude-device-observations", Effect: Exclude, Kinds: []string{"ResourceSlice.resource.k8s.io", "ResourcePoolStatusRequest.resource.k8s.io"},
			Reason: "device drivers report these about the machines of this cluster",
		},
		{
			ID: "exclude-certificate-requests", Effect: Exclude,
			Kinds:  []string{"CertificateSigningRequest.certificates.k8s.io", "PodCertificateRequest.certificates.k8s.io"},
			Reason: "a request is answered once, for a key that only its requester holds",
		},
		{
			ID: "exclude-storage-versions", Effect: Exclude, Kinds: []string{"StorageVersion.internal.apiserver.k8s.io"},
			Reason: "API servers report how they encode objects in their own database",
		},
		{
			ID: "exclude-ip-addresses", Effect: Exclude, Kinds: []string{"IPAddress.networking.k8s.io"},
			Reason: "the address allocator records here what it gave to Services",
		},
		{
			ID: "exclude-component-status", Effect: Exclude, Kinds: []string{"ComponentStatus"},
			Reason: "it is computed when read and cannot be created",
		},
		{
			ID: "exclude-metrics", Effect: Exclude, Kinds: []string{"NodeMetrics.metrics.k8s.io", "PodMetrics.metrics.k8s.io"},
			Reason: "measurements are computed when read and cannot be created",
		},
		{
			ID: "exclude-controller-revisions", Effect: Exclude, Kinds: []string{"ControllerRevision.apps"},
			Reason: "DaemonSet and StatefulSet controllers write their own history from the template",
		},
	}
}

// derivedWhenControlled are the kinds whose content a controlling custom resource
// makes again. All other built-in kinds hold data or permissions that nothing might
// make again (cluster CAs of Cluster API, CRDs of Crossplane packages, tenants'
// Namespaces), so they are saved whoever controls them.
var derivedWhenControlled = []string{
	"Pod", "ReplicaSet.apps", "ReplicationController", "Deployment.apps", "StatefulSet.apps", "DaemonSet.apps",
	"Job.batch", "CronJob.batch", "Service", "Endpoints", "EndpointSlice.discovery.k8s.io",
	"HorizontalPodAutoscaler.autoscaling", "PodDisruptionBudget.policy", "ResourceClaim.resource.k8s.io",
	"PodGroup.scheduling.k8s.io",
}

// keptWhenControlled are the kinds that are saved although a built-in object
// controls them.
var keptWhenControlled = []string{
	"Secret", "ConfigMap", "ServiceAccount", "PersistentVolumeClaim", "PersistentVolume", "Namespace",
	"Role.rbac.authorization.k8s.io", "RoleBinding.rbac.authorization.k8s.io",
	"ClusterRole.rbac.authorization.k8s.io", "ClusterRoleBinding.rbac.authorization.k8s.io",
	"CustomResourceDefinition.apiextensions.k8s.io", "StorageClass.storage.k8s.io", "PriorityClass.scheduling.k8s.io",
}

// ownerRulesDefault decide by the life cycle of an object and by its controller.
func ownerRulesDefault() []ObjectRule {
	return []ObjectRule{
		{
			ID: "exclude-being-deleted", Effect: Exclude, Kinds: []string{EveryKind}, When: Has{Path: "metadata.deletionTimestamp"},
			Reason: "somebody has deleted it; only its finalizers keep it",
		},
		{
			ID: "exclude-ephemeral-volume-claims", Effect: Exclude, Kinds: []string{"PersistentVolumeClaim"}, When: Controlled{Kinds: []string{"Pod"}},
			Reason: "the claim of a generic ephemeral volume lives and dies with its Pod",
		},
		{
			ID: "exclude-controlled-workloads", Effect: Exclude, Kinds: derivedWhenControlled, When: Controlled{},
			Reason: "its controlling owner makes it again",
		},
		{
			ID: "keep-controlled-data", Effect: Save, Kinds: keptWhenControlled, When: All{Controlled{}, Not{serviceAccountToken}},
			Reason: "it holds data or permissions that its controlling owner may be unable to make again; the owner is in the index",
		},
		{
			ID: "exclude-controlled-by-built-in", Effect: Exclude, Kinds: []string{BuiltInKinds}, When: Controlled{Kinds: []string{BuiltInKinds}},
			Reason: "a built-in controller makes it again from its owner",
		},
	}
}

var serviceAccountToken = Is{Path: "type", Values: []string{"kubernetes.io/service-account-token"}}

// coreRulesDefault are about kinds of the core group and their successors.
func coreRulesDefault() []ObjectRule {
	return []ObjectRule{
		{
			ID: "exclude-mirror-pods", Effect: Exclude, Kinds: []string{"Pod"}, When: Has{Path: `metadata.annotations["kubernetes.io/config.mirror"]`},
			Reason: "the kubelet shows a static Pod of its machine; deleting or creating it has no effect",
		},
		{
			ID: "exclude-finished-pods", Effect: Exclude, Kinds: []string{"Pod"}, When: Is{Path: "status.phase", Values: []string{"Succeeded", "Failed"}},
			Reason: "it has finished, and creating it would run it again",
		},
		{
			ID: "exclude-finished-jobs", Effect: Exclude, Kinds: []string{"Job.batch"}, When: Has{Path: "status.completionTime"},
			Reason: "it has finished, and creating it would run it again",
		},
		{
			ID: "exclude-failed-jobs", Effect: Exclude, Kinds: []string{"Job.batch"},
			When:   Element{Path: "status.conditions", Condition: All{Is{Path: "type", Values: []string{"Failed", "Complete"}}, Is{Path: "status", Values: []string{"True"}}}},
			Reason: "it has finished, and creating it would run it again",
		},
		{
			ID: "exclude-standard-namespaces", Effect: Exclude, Kinds: []string{"Namespace"},
			When: All{
				Is{Path: "metadata.name", Values: []string{"default", "kube-system", "kube-public", "kube-node-lease"}},
				Only{Path: "metadata.labels", Keys: []string{"kubernetes.io/metadata.name"}},
				Only{Path: "metadata.annotations", Keys: []string{lastApplied}},
			},
			Reason: "every cluster makes it by itself, and nobody has labelled or annotated it",
		},
		{
			ID: "exclude-default-service-accounts", Effect: Exclude, Kinds: []string{"ServiceAccount"},
			When: All{
				Is{Path: "metadata.name", Values: []string{"default"}}, bareServiceAccount,
			},
			Reason: "every namespace gets it by itself, and nobody has changed it",
		},
		{
			ID: "exclude-controller-service-accounts", Effect: Exclude, Kinds: []string{"ServiceAccount"},
			When: All{
				Is{Path: "metadata.namespace", Values: []string{"kube-system"}},
				Is{Path: "metadata.name", Values: controllerAccounts},
				bareServiceAccount,
			},
			Reason: "kube-controller-manager makes an account for each of its controllers",
		},
		{
			ID: "exclude-root-ca", Effect: Exclude, Kinds: []string{"ConfigMap"},
			When:   Is{Path: "metadata.name", Values: []string{"kube-root-ca.crt", "openshift-service-ca.crt"}},
			Reason: "every namespace gets the certificate authority of its own cluster",
		},
		{
			ID: "exclude-cluster-config-maps", Effect: Exclude, Kinds: []string{"ConfigMap"},
			When: Any{
				All{Is{Path: "metadata.namespace", Values: []string{"kube-system"}}, Is{Path: "metadata.name", Values: []string{
					"extension-apiserver-authentication", "kube-apiserver-legacy-service-account-token-tracking", "kubeadm-config", "kubelet-config*",
				}}},
				All{Is{Path: "metadata.namespace", Values: []string{"kube-public"}}, Is{Path: "metadata.name", Values: []string{"cluster-info"}}},
			},
			Reason: "it describes how this cluster was installed",
		},
		{
			ID: "exclude-leader-election", Effect: Exclude, Kinds: []string{"ConfigMap", "Endpoints"},
			When:   Has{Path: `metadata.annotations["control-plane.alpha.kubernetes.io/leader"]`},
			Reason: "a process of this cluster holds it as a lock and renews it every few seconds",
		},
		{
			ID: "exclude-bootstrap-tokens", Effect: Exclude, Kinds: []string{"Secret"}, When: Is{Path: "type", Values: []string{"bootstrap.kubernetes.io/token"}},
			Reason: "it lets machines join this cluster, for a short time",
		},
		{
			ID: "exclude-service-account-tokens", Effect: Exclude, Kinds: []string{"Secret"},
			When:   All{serviceAccountToken, Any{WrittenOnlyBy{Managers: controlPlane}, Controlled{}}},
			Reason: "this cluster signed it; the token controller makes another where it is wanted",
		},
		{
			ID: "exclude-generated-registry-secrets", Effect: Exclude, Kinds: []string{"Secret"},
			When: All{
				Is{Path: "type", Values: []string{"kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson"}},
				Has{Path: `metadata.annotations["openshift.io/token-secret.name"]`},
			},
			Reason: "OpenShift makes it from a service account token of this cluster",
		},
		{
			ID: "exclude-kubernetes-service", Effect: Exclude, Kinds: []string{"Service", "Endpoints", "EndpointSlice.discovery.k8s.io"},
			When:   All{Is{Path: "metadata.namespace", Values: []string{"default"}}, Is{Path: "metadata.name", Values: []string{"kubernetes"}}},
			Reason: "the API server publishes its own addresses here",
		},
		{
			ID: "exclude-managed-endpoints", Effect: Exclude, Kinds: []string{"Endpoints"},
			When: Any{
				Has{Path: `metadata.labels["endpoints.kubernetes.io/managed-by"]`},
				Has{Path: `metadata.annotations["endpoints.kubernetes.io/last-change-trigger-time"]`},
				Is{Path: "subsets[].addresses[].targetRef.kind", Values: []string{"Pod"}},
				Is{Path: "subsets[].notReadyAddresses[].targetRef.kind", Values: []string{"Pod"}},
				WrittenBy{Managers: []string{"kube-controller-manager", "hyperkube"}},
			},
			Reason: "the endpoints controller makes it from the selector of the Service",
		},
		{
			ID: "exclude-managed-endpoint-slices", Effect: Exclude, Kinds: []string{"EndpointSlice.discovery.k8s.io"},
			When: Is{Path: `metadata.labels["endpointslice.kubernetes.io/managed-by"]`, Values: []string{
				"endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io",
			}},
			Reason: "a controller makes it from the Service or from the Endpoints",
		},
		{
			ID: "exclude-provisioned-volumes", Effect: Exclude, Kinds: []string{"PersistentVolume"},
			When: All{
				Has{Path: `metadata.annotations["pv.kubernetes.io/provisioned-by"]`},
				Is{Path: "spec.persistentVolumeReclaimPolicy", Values: []string{"Delete"}},
			},
			Reason: "it was provisioned for a claim, and its storage goes when the claim goes; the claim gets another",
		},
	}
}

var bareServiceAccount = All{
	Blank{Path: "metadata.labels"},
	Only{Path: "metadata.annotations", Keys: []string{lastApplied}},
	Blank{Path: "imagePullSecrets"},
	Not{Has{Path: "automountServiceAccountToken"}},
	Not{Element{Path: "secrets", Condition: Not{Is{Path: "name", Values: tokenNames}}}},
}

// tokenNames are the names that the token controller, and OpenShift, give to the
// secrets of a service account.
var tokenNames = []string{"*-token-?????", "*-dockercfg-?????"}

// policyRulesDefault are about what API servers reconcile by themselves.
func policyRulesDefault() []ObjectRule {
	return []ObjectRule{
		{
			ID: "exclude-bootstrap-rbac", Effect: Exclude,
			Kinds: []string{
				"ClusterRole.rbac.authorization.k8s.io", "ClusterRoleBinding.rbac.authorization.k8s.io",
				"Role.rbac.authorization.k8s.io", "RoleBinding.rbac.authorization.k8s.io",
			},
			When: All{
				Is{Path: `metadata.labels["kubernetes.io/bootstrapping"]`, Values: []string{"rbac-defaults"}},
				Is{Path: `metadata.annotations["rbac.authorization.kubernetes.io/autoupdate"]`, Values: []string{"true"}},
				WrittenOnlyBy{Managers: controlPlane},
			},
			Reason: "every API server makes its own default roles, and nobody has added to this one",
		},
		{
			ID: "exclude-bootstrap-flow-control", Effect: Exclude,
			Kinds: []string{"FlowSchema.flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io"},
			When: Any{
				Is{Path: `metadata.annotations["apf.kubernetes.io/autoupdate-spec"]`, Values: []string{"true"}},
				Is{Path: "metadata.name", Values: []string{"exempt", "catch-all"}},
			},
			Reason: "every API server makes its own flow control defaults and keeps them up to date",
		},
		{
			ID: "exclude-local-api-services", Effect: Exclude, Kinds: []string{"APIService.apiregistration.k8s.io"},
			When:   Is{Path: `metadata.labels["kube-aggregator.kubernetes.io/automanaged"]`, Values: []string{"true", "onstart"}},
			Reason: "the API server makes one for each group version that it serves itself",
		},
		{
			ID: "exclude-system-priority-classes", Effect: Exclude, Kinds: []string{"PriorityClass.scheduling.k8s.io"},
			When:   Is{Path: "metadata.name", Values: []string{"system-node-critical", "system-cluster-critical"}},
			Reason: "every API server makes it by itself, and it cannot be changed",
		},
		{
			ID: "exclude-default-service-range", Effect: Exclude, Kinds: []string{"ServiceCIDR.networking.k8s.io"},
			When:   Is{Path: "metadata.name", Values: []string{"kubernetes"}},
			Reason: "every API server makes it from its own flags",
		},
		{
			ID: "exclude-serving-trust-bundle", Effect: Exclude, Kinds: []string{"ClusterTrustBundle.certificates.k8s.io"},
			When:   Is{Path: "metadata.name", Values: []string{"kubernetes.io:kube-apiserver-serving:*"}},
			Reason: "kube-controller-manager publishes the certificate authority of its own cluster",
		},
	}
}

// controllerAccounts are the ServiceAccounts that kube-controller-manager has made
// in kube-system from 1.16 on (bootstrappolicy.controllerRoles and the names given
// to its client builder).
var controllerAccounts = []string{
	"attachdetach-controller", "bootstrap-signer", "certificate-controller", "clusterrole-aggregation-controller",
	"controller-discovery", "cronjob-controller", "daemon-set-controller", "deployment-controller",
	"device-taint-eviction-controller", "disruption-controller", "endpoint-controller", "endpointslice-controller",
	"endpointslicemirroring-controller", "ephemeral-volume-controller", "expand-controller", "generic-garbage-collector",
	"horizontal-pod-autoscaler", "job-controller", "kube-apiserver-serving-clustertrustbundle-publisher",
	"legacy-service-account-token-cleaner", "namespace-controller", "node-controller", "persistent-volume-binder",
	"pod-garbage-collector", "podcertificaterequestcleaner", "podgroup-protection-controller", "pv-protection-controller",
	"pvc-protection-controller", "replicaset-controller", "replication-controller", "resource-claim-controller",
	"resourcepoolstatusrequest-controller", "resourcequota-controller", "root-ca-cert-publisher", "route-controller",
	"selinux-warning-controller", "service-account-controller", "service-cidrs-controller", "service-controller",
	"shared-informers", "statefulset-controller", "storage-version-garbage-collector", "storage-version-migrator-controller",
	"token-cleaner", "tokens-controller", "ttl-after-finished-controller", "ttl-controller",
	"validatingadmissionpolicy-status-controller", "volumeattributesclass-protection-controller",
}
