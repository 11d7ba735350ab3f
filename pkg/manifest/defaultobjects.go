package manifest

import "slices"

// defaultObjectRules are tried in this order. Complete kinds come first, then what
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

// IsControlPlane reports whether a field manager is a part of Kubernetes itself, and no client.
func IsControlPlane(manager string) bool { return slices.Contains(controlPlane, manager) }

// kindRulesDefault leave out complete kinds, so that they are not even read.
func kindRulesDefault() []ObjectRule {
	return []ObjectRule{
		{
			ID: "exclude-events", Effect: Exclude, Kinds: []string{"Event", "Event.events.k8s.io"},
			Reason: "events report the past and expire within hours",
			Source: "staging/src/k8s.io/api/core/v1/types.go, Event; kube-apiserver --event-ttl",
		},
		{
			ID: "exclude-leases", Effect: Exclude, Kinds: []string{"Lease.coordination.k8s.io", "LeaseCandidate.coordination.k8s.io"},
			Reason: "a lease is held by a process of this cluster and is renewed every few seconds",
			Source: "staging/src/k8s.io/api/coordination/v1/types.go; KEP-4355 for LeaseCandidate",
		},
		{
			ID: "exclude-nodes", Effect: Exclude, Kinds: []string{"Node", "CSINode.storage.k8s.io"},
			Reason: "machines register themselves; another cluster has other machines",
			Source: "staging/src/k8s.io/api/core/v1/types.go, Node; pkg/kubelet/kubelet_node_status.go",
		},
		{
			ID: "exclude-storage-observations", Effect: Exclude,
			Kinds:  []string{"CSIStorageCapacity.storage.k8s.io", "VolumeAttachment.storage.k8s.io"},
			Reason: "the storage driver reports these about the machines of this cluster",
			Source: "staging/src/k8s.io/api/storage/v1/types.go",
		},
		{
			ID: "exclude-device-observations", Effect: Exclude,
			Kinds:  []string{"ResourceSlice.resource.k8s.io", "ResourcePoolStatusRequest.resource.k8s.io"},
			Reason: "device drivers report these about the machines of this cluster",
			Source: "staging/src/k8s.io/api/resource/v1/types.go; KEP-4381",
		},
		{
			ID: "exclude-certificate-requests", Effect: Exclude,
			Kinds:  []string{"CertificateSigningRequest.certificates.k8s.io", "PodCertificateRequest.certificates.k8s.io"},
			Reason: "a request is answered once, for a key that only its requester holds",
			Source: "staging/src/k8s.io/api/certificates/v1/types.go; KEP-4317 for PodCertificateRequest",
		},
		{
			ID: "exclude-storage-versions", Effect: Exclude, Kinds: []string{"StorageVersion.internal.apiserver.k8s.io"},
			Reason: "API servers report how they encode objects in their own database",
			Source: "KEP-2339, storage version API",
		},
		{
			ID: "exclude-storage-migrations", Effect: Exclude, Kinds: []string{"StorageVersionMigration.storagemigration.k8s.io"},
			Reason: "it is a command to rewrite the database of this cluster once; what a restore writes is stored at the newest version anyway",
			Source: "KEP-4192, storage version migration in tree",
		},
		{
			ID: "exclude-ip-addresses", Effect: Exclude, Kinds: []string{"IPAddress.networking.k8s.io"},
			Reason: "the address allocator records here what it gave to Services",
			Source: "staging/src/k8s.io/api/networking/v1/well_known_labels.go; KEP-1880",
		},
		{
			ID: "exclude-component-status", Effect: Exclude, Kinds: []string{"ComponentStatus"},
			Reason: "it is computed when read and cannot be created",
			Source: "pkg/registry/core/componentstatus",
		},
		{
			ID: "exclude-metrics", Effect: Exclude, Kinds: []string{"NodeMetrics.metrics.k8s.io", "PodMetrics.metrics.k8s.io"},
			Reason: "measurements are computed when read and cannot be created",
			Source: "staging/src/k8s.io/metrics; metrics-server",
		},
		{
			ID: "exclude-reviews", Effect: Exclude,
			Kinds: []string{
				"*Review.authentication.k8s.io", "TokenRequest.authentication.k8s.io", "*Review.authorization.k8s.io", "ImageReview.imagepolicy.k8s.io",
				"Binding", "Eviction.policy", "Scale.autoscaling",
			},
			Reason: "it is a question or a command to the API server and is never stored",
			Source: "staging/src/k8s.io/api/authentication/v1 and authorization/v1, +genclient:onlyVerbs=create",
		},
		{
			ID: "exclude-controller-revisions", Effect: Exclude, Kinds: []string{"ControllerRevision.apps"},
			Reason: "DaemonSet and StatefulSet controllers write their own history from the template",
			Source: "pkg/controller/history",
		},
	}
}

// derivedWhenControlled are the kinds whose content a controlling custom resource
// makes again. All other built-in kinds hold data or permissions that nothing might
// make again (cluster CAs of Cluster API, CRDs of Crossplane packages, tenants'
// Namespaces), so they are saved whoever controls them. A Service is among those: its
// addresses are known to others, and an owner that has finished, such as a workflow, does
// not make it again.
var derivedWhenControlled = []string{
	"Pod", "ReplicaSet.apps", "ReplicationController", "Deployment.apps", "StatefulSet.apps", "DaemonSet.apps",
	"Job.batch", "CronJob.batch", "Endpoints", "EndpointSlice.discovery.k8s.io",
	"HorizontalPodAutoscaler.autoscaling", "PodDisruptionBudget.policy", "ResourceClaim.resource.k8s.io",
	"PodGroup.scheduling.k8s.io", "CompositePodGroup.scheduling.k8s.io",
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
			Reason: "it has been deleted; only its finalizers keep it",
			Source: "staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go, ObjectMeta.deletionTimestamp",
		},
		{
			ID: "exclude-ephemeral-volume-claims", Effect: Exclude, Kinds: []string{"PersistentVolumeClaim"},
			When:   Controlled{Kinds: []string{"Pod"}},
			Reason: "the claim of a generic ephemeral volume lives and dies with its Pod",
			Source: "KEP-1698; pkg/controller/volume/ephemeral",
		},
		{
			ID: "exclude-controlled-workloads", Effect: Exclude, Kinds: derivedWhenControlled, When: Controlled{},
			Reason: "its controlling owner makes it again",
			Source: "pkg/controller/controller_ref_manager.go",
		},
		{
			ID: "keep-controlled-data", Effect: Save, Kinds: keptWhenControlled, When: All{Controlled{}, Not{serviceAccountToken}},
			Reason: "it holds data or permissions that its controlling owner may be unable to make again; the owner is in the index",
			Source: "cluster-api/util/secret; crossplane/internal/controller/pkg/revision; staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go, OwnerReference.controller",
		},
		{
			ID: "exclude-controlled-by-built-in", Effect: Exclude, Kinds: []string{BuiltInKinds}, When: Controlled{Kinds: []string{BuiltInKinds}},
			Reason: "a built-in controller makes it again from its owner",
			Source: "pkg/controller/controller_ref_manager.go",
		},
	}
}

var serviceAccountToken = Is{Path: "type", Values: []string{"kubernetes.io/service-account-token"}}

// coreRulesDefault are about kinds of the core group and their successors.
func coreRulesDefault() []ObjectRule {
	return []ObjectRule{
		{
			ID: "exclude-mirror-pods", Effect: Exclude, Kinds: []string{"Pod"},
			When:   Has{Path: `metadata.annotations["kubernetes.io/config.mirror"]`},
			Reason: "the kubelet shows a static Pod of its machine; deleting or creating it has no effect",
			Source: "pkg/kubelet/types/pod_update.go, ConfigMirrorAnnotationKey",
		},
		{
			ID: "exclude-finished-pods", Effect: Exclude, Kinds: []string{"Pod"},
			When:   Is{Path: "status.phase", Values: []string{"Succeeded", "Failed"}},
			Reason: "it has finished, and creating it would run it again",
			Source: "staging/src/k8s.io/api/core/v1/types.go, PodPhase",
		},
		{
			ID: "exclude-finished-jobs", Effect: Exclude, Kinds: []string{"Job.batch"}, When: Has{Path: "status.completionTime"},
			Reason: "it has finished, and creating it would run it again",
			Source: "staging/src/k8s.io/api/batch/v1/types.go, JobStatus.completionTime",
		},
		{
			ID: "exclude-failed-jobs", Effect: Exclude, Kinds: []string{"Job.batch"},
			When: Element{
				Path:      "status.conditions",
				Condition: All{Is{Path: "type", Values: []string{"Failed", "Complete"}}, Is{Path: "status", Values: []string{"True"}}},
			},
			Reason: "it has finished, and creating it would run it again",
			Source: "staging/src/k8s.io/api/batch/v1/types.go, JobConditionType",
		},
		{
			ID: "exclude-standard-namespaces", Effect: Exclude, Kinds: []string{"Namespace"},
			When: All{
				Is{Path: "metadata.name", Values: []string{"default", "kube-system", "kube-public", "kube-node-lease"}},
				Only{Path: "metadata.labels", Keys: []string{"kubernetes.io/metadata.name"}},
				Only{Path: "metadata.annotations", Keys: []string{lastApplied}},
			},
			Reason: "every cluster makes it by itself, and it has no other labels or annotations",
			Source: "pkg/controlplane/controller/systemnamespaces",
		},
		{
			ID: "exclude-default-service-accounts", Effect: Exclude, Kinds: []string{"ServiceAccount"},
			When: All{
				Is{Path: "metadata.name", Values: []string{"default"}}, bareServiceAccount,
			},
			Reason: "every namespace gets it by itself, and it is unchanged",
			Source: "pkg/controller/serviceaccount/serviceaccounts_controller.go",
		},
		{
			ID: "exclude-controller-service-accounts", Effect: Exclude, Kinds: []string{"ServiceAccount"},
			When: All{
				Is{Path: "metadata.namespace", Values: []string{"kube-system"}},
				Is{Path: "metadata.name", Values: controllerAccounts},
				bareServiceAccount,
			},
			Reason: "kube-controller-manager makes an account for each of its controllers",
			Source: "plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go; cmd/kube-controller-manager/names",
		},
		{
			ID: "exclude-root-ca", Effect: Exclude, Kinds: []string{"ConfigMap"},
			When:   Is{Path: "metadata.name", Values: []string{"kube-root-ca.crt", "openshift-service-ca.crt"}},
			Reason: "every namespace gets the certificate authority of its own cluster",
			Source: "pkg/controller/certificates/rootcacertpublisher/publisher.go; openshift/service-ca-operator",
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
			Source: "pkg/controlplane/controller/clusterauthenticationtrust and legacytokentracking; cmd/kubeadm/app/constants",
		},
		{
			ID: "exclude-restore-record", Effect: Exclude, Kinds: []string{"ConfigMap"},
			When: All{
				Is{Path: "metadata.namespace", Values: []string{"kube-system"}}, Is{Path: "metadata.name", Values: []string{"appbur-restore"}},
			},
			Reason: "it says how far the last restore to this cluster came; in another cluster that would not be true",
			Source: "github.com/appbur/appbur/pkg/restore/session/record.go",
		},
		{
			ID: "exclude-leader-election", Effect: Exclude, Kinds: []string{"ConfigMap", "Endpoints"},
			When:   Has{Path: `metadata.annotations["control-plane.alpha.kubernetes.io/leader"]`},
			Reason: "a process of this cluster uses it as a lock and renews it every few seconds",
			Source: "client-go/tools/leaderelection/resourcelock/interface.go",
		},
		{
			ID: "exclude-bootstrap-tokens", Effect: Exclude, Kinds: []string{"Secret"},
			When:   Is{Path: "type", Values: []string{"bootstrap.kubernetes.io/token"}},
			Reason: "machines join this cluster with it, for a short time",
			Source: "staging/src/k8s.io/cluster-bootstrap/token/api",
		},
		{
			ID: "exclude-service-account-tokens", Effect: Exclude, Kinds: []string{"Secret"},
			When:   All{serviceAccountToken, Any{WrittenOnlyBy{Managers: controlPlane}, Controlled{}}},
			Reason: "this cluster signed it; the token controller makes another where it is wanted",
			Source: "pkg/controller/serviceaccount/tokens_controller.go; KEP-2799",
		},
		{
			ID: "exclude-generated-registry-secrets", Effect: Exclude, Kinds: []string{"Secret"},
			When: All{
				Is{Path: "type", Values: []string{"kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson"}},
				Any{
					Has{Path: `metadata.annotations["openshift.io/token-secret.name"]`},
					Has{Path: `metadata.annotations["openshift.io/internal-registry-auth-token.service-account"]`},
				},
			},
			Reason: "OpenShift makes it from a service account token of this cluster",
			Source: "openshift-controller-manager, pkg/serviceaccounts/controllers",
		},
		{
			ID: "exclude-kubernetes-service", Effect: Exclude, Kinds: []string{"Service", "Endpoints", "EndpointSlice.discovery.k8s.io"},
			When:   All{Is{Path: "metadata.namespace", Values: []string{"default"}}, Is{Path: "metadata.name", Values: []string{"kubernetes"}}},
			Reason: "the API server publishes its own addresses here",
			Source: "pkg/controlplane/controller/kubernetesservice; pkg/controlplane/reconcilers",
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
			Source: "pkg/controller/endpoint/endpoints_controller.go",
		},
		{
			ID: "exclude-managed-endpoint-slices", Effect: Exclude, Kinds: []string{"EndpointSlice.discovery.k8s.io"},
			When: Is{Path: `metadata.labels["endpointslice.kubernetes.io/managed-by"]`, Values: []string{
				"endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io",
			}},
			Reason: "a controller makes it from the Service or from the Endpoints",
			Source: "staging/src/k8s.io/api/discovery/v1/well_known_labels.go, LabelManagedBy",
		},
		{
			ID: "exclude-own-endpoint-slices", Effect: Exclude, Kinds: []string{"EndpointSlice.discovery.k8s.io"},
			When:   Is{Path: `metadata.labels["endpointslice.kubernetes.io/managed-by"]`, Values: []string{"appbur.dev"}},
			Reason: "the daemon that leads writes its own address into it",
			Source: "internal/endpointslice/slice.go, ManagedBy",
		},
		{
			ID: "exclude-provisioned-volumes", Effect: Exclude, Kinds: []string{"PersistentVolume"},
			When: All{
				Has{Path: `metadata.annotations["pv.kubernetes.io/provisioned-by"]`},
				Is{Path: "spec.persistentVolumeReclaimPolicy", Values: []string{"Delete"}},
			},
			Reason: "it was provisioned for a claim, and its storage goes when the claim goes; the claim gets another",
			Source: "component-helpers/storage/volume/pv_helpers.go, AnnDynamicallyProvisioned",
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
