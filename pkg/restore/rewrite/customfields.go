package rewrite

const (
	gatewayAPI   = "https://gateway-api.sigs.k8s.io/reference/spec/"
	clusterAPI   = "https://github.com/kubernetes-sigs/cluster-api/tree/main/api"
	fluxAPI      = "https://fluxcd.io/flux/components/"
	argoAPI      = "https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/"
	esoAPI       = "https://external-secrets.io/latest/api/spec/"
	crossplane   = "https://docs.crossplane.io/latest/api/"
	certManager  = "https://cert-manager.io/docs/concepts/ca-injector/"
	prometheus   = "https://prometheus-operator.dev/docs/api-reference/api/"
	istioAPI     = "https://istio.io/latest/docs/reference/config/"
	kyvernoAPI   = "https://kyverno.io/docs/policy-types/cluster-policy/"
	inThisServer = "https://kubernetes.default.svc"
)

// customFields are those of well-known custom kinds. A namespace of another cluster is none of
// ours: rows leave out what has a kubeconfig or another server beside it.
var customFields = []Field{
	{
		Kind: "*.gateway.networking.k8s.io", Path: "spec.parentRefs[].namespace",
		Reason: "the Gateway that a route belongs to", Source: gatewayAPI,
	},
	{
		Kind: "*.gateway.networking.k8s.io", Path: "spec.targetRef.namespace",
		Reason: "what a policy is about", Source: gatewayAPI,
	},
	{
		Kind: "*.gateway.networking.k8s.io", Path: "spec.**.backendRefs[].namespace",
		Reason: "the Service that gets the traffic", Source: gatewayAPI,
	},
	{
		Kind: "*.gateway.networking.k8s.io", Path: "spec.**.backendRef.namespace",
		Reason: "the Service that gets a copy of the traffic", Source: gatewayAPI,
	},
	{
		Kind: "*.gateway.networking.k8s.io", Path: "spec.**.*ertificateRefs[].namespace",
		Reason: "a certificate", Source: gatewayAPI,
	},
	{
		Kind: "*.gateway.networking.k8s.io", Path: "spec.**.selector.matchLabels.\"kubernetes.io/metadata.name\"",
		Reason: "the namespace whose routes are accepted", Source: gatewayAPI,
	},
	{
		Kind: "*.gateway.networking.k8s.io", Path: "spec.**.selector.matchExpressions[].values[]",
		When: map[string]string{"key": "kubernetes.io/metadata.name"}, Reason: "the namespaces whose routes are accepted", Source: gatewayAPI,
	},
	{
		Kind: "ReferenceGrant.gateway.networking.k8s.io", Path: "spec.from[].namespace",
		Reason: "the namespace that may refer to this one", Source: gatewayAPI,
	},
	{
		Kind: "GatewayClass.gateway.networking.k8s.io", Path: "spec.parametersRef.namespace",
		Reason: "the parameters of the class", Source: gatewayAPI,
	},

	{
		Kind: "*cluster.x-k8s.io", Path: "spec.**.*Ref.namespace",
		Reason: "infrastructureRef, controlPlaneRef, configRef, clusterRef and the like", Source: clusterAPI,
	},
	{
		Kind: "*cluster.x-k8s.io", Path: "spec.**.ref.namespace",
		Reason: "a template of a ClusterClass", Source: clusterAPI,
	},
	{
		Kind: "Cluster.cluster.x-k8s.io", Path: "spec.topology.classNamespace",
		Reason: "the ClusterClass of the cluster", Source: clusterAPI,
	},
	{
		Kind: "ExtensionConfig.runtime.cluster.x-k8s.io", Path: "spec.clientConfig.service.namespace",
		Reason: "the service of the extension", Source: clusterAPI,
	},

	{
		Kind: "*.toolkit.fluxcd.io", Path: "spec.**.sourceRef.namespace",
		Reason: "the source of what is applied", Source: fluxAPI + "kustomize/kustomizations/#source-reference",
	},
	{
		Kind: "*.toolkit.fluxcd.io", Path: "spec.chartRef.namespace",
		Reason: "the chart of a release", Source: fluxAPI + "helm/helmreleases/#chart-reference",
	},
	{
		Kind: "*.toolkit.fluxcd.io", Path: "spec.imageRepositoryRef.namespace",
		Reason: "the images that a policy chooses from", Source: fluxAPI + "image/imagepolicies/",
	},
	{
		Kind: "*.toolkit.fluxcd.io", Path: "spec.dependsOn[].namespace",
		Reason: "what has to be ready before", Source: fluxAPI + "kustomize/kustomizations/#dependencies",
	},
	{
		Kind: "*.toolkit.fluxcd.io", Path: "spec.targetNamespace", Unless: []string{"kubeConfig"},
		Reason: "where it is applied, in this cluster", Source: fluxAPI + "kustomize/kustomizations/#target-namespace",
	},
	{
		Kind: "HelmRelease.helm.toolkit.fluxcd.io", Path: "spec.storageNamespace", Unless: []string{"kubeConfig"},
		Reason: "where the record of the release is, in this cluster", Source: fluxAPI + "helm/helmreleases/#storage-namespace",
	},
	{
		Kind: "*.toolkit.fluxcd.io", Path: "spec.healthChecks[].namespace", Unless: []string{"kubeConfig"},
		Reason: "what is watched, in this cluster", Source: fluxAPI + "kustomize/kustomizations/#health-checks",
	},
	{
		Kind: "*.toolkit.fluxcd.io", Path: "spec.eventSources[].namespace",
		Reason: "what an alert is about", Source: fluxAPI + "notification/alerts/#event-sources",
	},
	{
		Kind: "Receiver.notification.toolkit.fluxcd.io", Path: "spec.resources[].namespace",
		Reason: "what a webhook asks for again", Source: fluxAPI + "notification/receivers/#resources",
	},
	{
		Kind: "*.toolkit.fluxcd.io", Path: "spec.accessFrom.namespaceSelectors[].matchLabels.\"kubernetes.io/metadata.name\"",
		Reason: "the namespace that may use the source", Source: fluxAPI + "source/gitrepositories/",
	},

	{
		Kind: "Application*.argoproj.io", Path: "**.destination.namespace", When: map[string]string{"server": inThisServer},
		Reason: "where it is applied, in this cluster", Source: argoAPI,
	},
	{
		Kind: "Application*.argoproj.io", Path: "**.destination.namespace", When: map[string]string{"name": "in-cluster"},
		Reason: "where it is applied, in this cluster", Source: argoAPI,
	},
	{
		Kind: "AppProject.argoproj.io", Path: "spec.destinations[].namespace", When: map[string]string{"server": inThisServer},
		Reason: "where the project may apply, in this cluster", Source: argoAPI + "#projects",
	},
	{
		Kind: "AppProject.argoproj.io", Path: "spec.destinations[].namespace", When: map[string]string{"name": "in-cluster"},
		Reason: "where the project may apply, in this cluster", Source: argoAPI + "#projects",
	},
	{
		Kind: "AppProject.argoproj.io", Path: "spec.sourceNamespaces[]",
		Reason: "where applications of the project may lie", Source: argoAPI + "#projects",
	},

	{
		Kind: "*", Path: `metadata.annotations."cert-manager.io/inject-ca-from*"`, Holds: FormNamespacedName,
		Reason: "the Certificate or Secret whose authority is written into it", Source: certManager,
	},
	{
		Kind: "*.cert-manager.io", Path: "spec.**.parentRefs[].namespace",
		Reason: "the Gateway that answers challenges", Source: "https://cert-manager.io/docs/configuration/acme/http01/",
	},
	{
		Kind: "Ingress.networking.k8s.io", Path: `metadata.annotations."nginx.ingress.kubernetes.io/*-secret"`, Holds: FormNamespacedName,
		Reason: "a secret of the controller",
		Source: "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/",
	},
	{
		Kind: "*", Path: `metadata.annotations."meta.helm.sh/release-namespace"`,
		Reason: "the namespace of the Helm release that owns it",
		Source: "https://helm.sh/docs/faq/changes_since_helm2/#namespace-changes",
	},

	// spec.provider.vault.namespace is a namespace of Vault and no row matches it.
	{
		Kind: "ClusterSecretStore.external-secrets.io", Path: "spec.provider.**.*Ref.namespace",
		Reason: "a secret or a service account of the provider", Source: esoAPI,
	},
	{
		Kind: "ClusterSecretStore.external-secrets.io", Path: "spec.provider.**.caProvider.namespace",
		Reason: "the certificate authority of the provider", Source: esoAPI,
	},
	{
		Kind: "ClusterSecretStore.external-secrets.io", Path: "spec.provider.kubernetes.auth.**.namespace",
		Reason: "the credentials of the provider", Source: esoAPI,
	},
	{
		Kind: "ClusterSecretStore.external-secrets.io", Path: "spec.conditions[].namespaces[]",
		Reason: "who may use the store", Source: esoAPI,
	},
	{
		Kind: "ClusterExternalSecret.external-secrets.io", Path: "spec.namespaces[]",
		Reason: "where the secrets are made", Source: esoAPI,
	},

	{
		Kind: "*", Path: "**.writeConnectionSecretToRef.namespace",
		Reason: "where a Crossplane resource writes its credentials", Source: crossplane,
	},
	{
		Kind: "Composition.apiextensions.crossplane.io", Path: "spec.writeConnectionSecretsToNamespace",
		Reason: "where a Composition writes credentials", Source: crossplane,
	},
	{
		Kind: "*ProviderConfig.*", Path: "spec.**.secretRef.namespace",
		Reason: "the credentials of a provider", Source: crossplane,
	},
	{
		Kind: "*", Path: "spec.claimRef.namespace", When: map[string]string{"kind": "*"},
		Reason: "the claim of a composite resource", Source: crossplane,
	},

	{
		Kind: "*.monitoring.coreos.com", Path: "**.namespaceSelector.matchNames[]",
		Reason: "where targets are looked for", Source: prometheus,
	},
	{
		Kind: "Prometheus*.monitoring.coreos.com", Path: "spec.alerting.alertmanagers[].namespace",
		Reason: "the Alertmanager that is told", Source: prometheus,
	},
	{
		Kind: "*.networking.istio.io", Path: "spec.exportTo[]",
		Reason: "who sees it", Source: istioAPI + "networking/",
	},
	{
		Kind: "VirtualService.networking.istio.io", Path: "spec.**.gateways[]", Holds: FormNamespacedName,
		Reason: "the gateway of the route", Source: istioAPI + "networking/virtual-service/",
	},
	{
		Kind: "*.networking.istio.io", Path: "spec.**.hosts[]", Holds: FormNamespacedName,
		Reason: "hosts of a namespace", Source: istioAPI + "networking/sidecar/",
	},
	{
		Kind: "AuthorizationPolicy.security.istio.io", Path: "spec.rules[].from[].source.*amespaces[]",
		Reason: "who may call", Source: istioAPI + "security/authorization-policy/",
	},
	{
		Kind: "*Policy.kyverno.io", Path: "spec.rules[].**.resources.namespaces[]",
		Reason: "where the policy counts", Source: kyvernoAPI,
	},
	{
		Kind: "*Policy.kyverno.io", Path: "spec.rules[].generate.namespace",
		Reason: "where objects are made", Source: kyvernoAPI,
	},
	{
		Kind: "*Policy.kyverno.io", Path: "spec.rules[].generate.clone*.namespace",
		Reason: "what is copied", Source: kyvernoAPI,
	},
	{
		Kind: "*Policy.kyverno.io", Path: "spec.rules[].context[].configMap.namespace",
		Reason: "what the policy reads", Source: kyvernoAPI,
	},
	{
		Kind: "*.constraints.gatekeeper.sh", Path: "spec.match.*amespaces[]",
		Reason: "where the constraint counts", Source: "https://open-policy-agent.github.io/gatekeeper/website/docs/howto/",
	},
	{
		Kind: "IPAddressPool.metallb.io", Path: "spec.serviceAllocation.namespaces[]",
		Reason: "who gets addresses", Source: "https://metallb.io/apis/",
	},
}
