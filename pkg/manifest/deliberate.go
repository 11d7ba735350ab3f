package manifest

// Choice is something that looks as if it wanted a rule and deliberately has none.
type Choice struct {
	// What it is: a field, annotation, label or kind.
	What string `json:"what"`
	// Why it has no rule, in one sentence.
	Why string `json:"why"`
}

// Deliberate lists what the default rules leave alone on purpose, so that no reader has
// to wonder whether it was forgotten. Users may decide otherwise by a [Policy].
func Deliberate() []Choice {
	return []Choice{
		// Kept because a user requested it.
		{`annotation kubectl.kubernetes.io/restartedAt`, "it is part of the template; without it a restore in place would restart the Pods"},
		{`annotation pv.kubernetes.io/provisioned-by`, "a volume that is bound by hand needs it, and a provisioner deletes only what has it"},
		{
			`annotations meta.helm.sh/*, label app.kubernetes.io/managed-by: Helm`,
			"the release is a Secret that is saved, too; without them Helm refuses to upgrade",
		},
		{`annotations argocd.argoproj.io/sync-wave, hook, sync-options, compare-options`, "users wrote them; they say how to sync"},
		{`labels kustomize.toolkit.fluxcd.io/name and namespace`, "Flux finds by them what it may prune; the Kustomization is saved, too"},
		{
			`annotations objectset.rio.cattle.io/* (but applied on Secrets)`,
			"Rancher compares with them and would count the objects as not its own",
		},
		{`labels and annotations applyset.kubernetes.io/*`, "kubectl apply --prune finds by them what it owns"},
		{
			`annotations autoscaling.alpha.kubernetes.io/metrics, behavior, scale-*-tolerance`,
			"they are the specification of an autoscaler read through autoscaling/v1",
		},
		{`annotation endpointslice.kubernetes.io/skip-mirror`, "it is a request to the mirroring controller"},
		{
			`annotations storageclass.kubernetes.io/is-default-class, ingressclass.kubernetes.io/is-default-class`,
			"which class is the default is a decision; a conflict in the target is shown by the plan",
		},
		{`labels pod-security.kubernetes.io/*`, "they are the policy of a namespace"},
		{`annotation cni.projectcalico.org/ipAddrs and the like`, "they request an address; only what Calico observes is dropped"},

		// Kept because it means something.
		{
			`finalizers of anybody but Kubernetes`,
			"their controllers clean up outside the cluster; a resource deleted before its controller runs would leak",
		},
		{`Secret of type helm.sh/release.v1`, "Helm cannot upgrade or roll back without it"},
		{`Secret of type kubernetes.io/tls made by cert-manager`, "a new certificate costs rate limits; the old one is taken over"},
		{
			`Secrets of Cluster API: <cluster>-ca, -etcd, -proxy, -sa, -kubeconfig`,
			"they are the roots of trust of the workload clusters; rule keep-controlled-data protects them",
		},
		{`service account tokens that a user requested`, "the Secret is saved without its token, and the target fills it in"},
		{
			`Service spec.loadBalancerIP, externalIPs, loadBalancerClass, allocateLoadBalancerNodePorts, sessionAffinityConfig`,
			"a user requested them",
		},
		{`Service spec.clusterIP: None`, "a headless Service is requested, not allocated"},
		{`Service spec.ipFamilies and ipFamilyPolicy of dual-stack Services`, "they are requested; the default of a cluster is SingleStack"},
		{
			`Service spec.clusterIP that a client chose`,
			"the server owns the field in any case, so a choice cannot be distinguished from an allocation; it is in the index",
		},
		{
			`PersistentVolumeClaim spec.dataSource and dataSourceRef`,
			"they are how the claim gets its content; the plan says when the source is missing",
		},
		{`PersistentVolumeClaim spec.volumeMode and volumeAttributesClassName`, "a Block volume would come back as Filesystem"},
		{`PersistentVolume spec.nodeAffinity and spec.csi.volumeHandle`, "a volume that is saved is kept by its storage; these say where it is"},
		{`Pod spec.enableServiceLinks, schedulingGates, injected sidecars`, "injected containers look like requested ones"},
		{`ReplicaSet without an owner: label pod-template-hash`, "its selector has the label, too; the three belong together"},
		{`clientConfig.caBundle without an injecting annotation`, "nothing else would fill it in"},
		{`RoleBinding subjects in other namespaces`, "they are what the binding says"},
		{`empty maps and lists, defaulted fields`, "an empty selector selects everything, and a default of one version is not that of another"},
		{
			`ConfigMap kube-proxy and coredns of kube-system`,
			"an installer made them and people edit them; exclude them where the target gets a new installation",
		},

		// Done by a rule of another kind.
		{`annotation kubernetes.io/config.mirror`, "rule exclude-mirror-pods leaves out the whole Pod"},
		{`label endpoints.kubernetes.io/managed-by`, "rule exclude-managed-endpoints leaves out the whole object"},
		{`label controller-revision-hash on a ControllerRevision`, "rule exclude-controller-revisions leaves out the kind"},
		{`label ipaddress.kubernetes.io/managed-by`, "rule exclude-ip-addresses leaves out the kind"},
		{
			`status of ResourceQuota, CronJob, ValidatingAdmissionPolicy, PersistentVolumeClaim and all built-in kinds`,
			"rule built-in-status drops it",
		},
		{`label kubernetes.io/bootstrapping with autoupdate: "false"`, "the role was frozen; rule exclude-bootstrap-rbac requires \"true\""},
		{`ServiceAccount default with pull secrets or annotations`, "rule exclude-default-service-accounts is about untouched ones only"},

		// Done elsewhere.
		{`HorizontalPodAutoscaler at autoscaling/v1`, "the exporter reads each kind at its most stable version with all fields"},
		{
			`scaleTargetRef.apiVersion and other references to removed API versions`,
			"they are true of the source; conversions for a target are compat's",
		},
		{
			`labels and taints beta.kubernetes.io/*, failure-domain.beta.kubernetes.io/*, node-role.kubernetes.io/master`,
			"they are true of the source; compat rewrites them for a target",
		},
		{
			`annotations seccomp.security.alpha.kubernetes.io/*, container.apparmor.security.beta.kubernetes.io/*`,
			"compat turns them into fields for a target that wants fields",
		},
		{`objects that are valid where they are but refused on create`, "compat judges them for a target"},
		{`Job spec.suspend`, "whether unfinished Jobs run again is decided by the restore"},
		{`order of webhooks, quotas and CRDs`, "a restore orders its steps"},

		// Not judged right.
		{`fields of custom resources that look like passwords`, "a guess would be wrong both ways; sensitive fields are named in appbur.yaml"},
		{
			`environment variables with literal values`,
			"a literal is the choice of its author, and sealing Pods would hide every change; name them as sensitive, or use a Secret",
		},
	}
}
