package manifest

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
			Reason: "every API server makes its own default roles, and nothing was added to this one",
			Source: "plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go; pkg/apis/rbac/types.go, AutoUpdateAnnotationKey",
		},
		{
			ID: "exclude-bootstrap-flow-control", Effect: Exclude,
			Kinds: []string{"FlowSchema.flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io"},
			When: Any{
				Is{Path: `metadata.annotations["apf.kubernetes.io/autoupdate-spec"]`, Values: []string{"true"}},
				Is{Path: "metadata.name", Values: []string{"exempt", "catch-all"}},
			},
			Reason: "every API server makes its own flow control defaults and keeps them up to date",
			Source: "staging/src/k8s.io/api/flowcontrol/v1/types.go, AutoUpdateAnnotationKey",
		},
		{
			ID: "exclude-local-api-services", Effect: Exclude, Kinds: []string{"APIService.apiregistration.k8s.io"},
			When:   Is{Path: `metadata.labels["kube-aggregator.kubernetes.io/automanaged"]`, Values: []string{"true", "onstart"}},
			Reason: "the API server makes one for each group version that it serves itself",
			Source: "kube-aggregator/pkg/controllers/autoregister/autoregister_controller.go",
		},
		{
			ID: "exclude-system-priority-classes", Effect: Exclude, Kinds: []string{"PriorityClass.scheduling.k8s.io"},
			When:   Is{Path: "metadata.name", Values: []string{"system-node-critical", "system-cluster-critical"}},
			Reason: "every API server makes it by itself, and it cannot be changed",
			Source: "pkg/apis/scheduling/types.go; pkg/registry/scheduling/rest",
		},
		{
			ID: "exclude-default-service-range", Effect: Exclude, Kinds: []string{"ServiceCIDR.networking.k8s.io"},
			When:   Is{Path: "metadata.name", Values: []string{"kubernetes"}},
			Reason: "every API server makes it from its own flags",
			Source: "pkg/controlplane/controller/defaultservicecidr",
		},
		{
			ID: "exclude-serving-trust-bundle", Effect: Exclude, Kinds: []string{"ClusterTrustBundle.certificates.k8s.io"},
			When:   Is{Path: "metadata.name", Values: []string{"kubernetes.io:kube-apiserver-serving:*"}},
			Reason: "kube-controller-manager publishes the certificate authority of its own cluster",
			Source: "cmd/kube-controller-manager/app/certificates.go; KEP-3257",
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
