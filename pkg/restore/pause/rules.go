package pause

import (
	"slices"
)

func annotation(key, value string) Setting {
	return Setting{Path: []string{"metadata", "annotations", key}, To: value}
}

func field(to any, keys ...string) Setting { return Setting{Path: keys, To: to} }

const (
	docsCAPI       = "https://cluster-api.sigs.k8s.io/reference/api/labels-and-annotations"
	docsCrossplane = "https://docs.crossplane.io/latest/managed-resources/managed-resources/"
	docsFlux       = "https://fluxcd.io/flux/cmd/flux_suspend/"
	docsArgoSkip   = "https://argo-cd.readthedocs.io/en/stable/user-guide/skip_reconcile/"
	docsArgoSets   = "https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Controlling-Resource-Modification/"
	docsKEDA       = "https://keda.sh/docs/latest/concepts/scaling-deployments/#pausing-autoscaling"
	docsKEDAJobs   = "https://keda.sh/docs/latest/concepts/scaling-jobs/#pausing-autoscaling"
	docsCronJob    = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-suspension"
	docsJob        = "https://kubernetes.io/docs/concepts/workloads/controllers/job/#suspending-a-job"
	docsESO        = "https://external-secrets.io/latest/api/pushsecret/"
)

// Rules returns the rules for well-known controllers. The first one that is about an object counts.
func Rules() []Rule {
	return slices.Concat(kubernetesRules(), clusterAPIRules(), crossplaneRules(), fluxRules(), argoRules(), kedaRules(),
		externalSecretsRules())
}

func kubernetesRules() []Rule {
	suspend := []Setting{field(true, "spec", "suspend")}
	return []Rule{
		{
			Controller: "kubernetes", Kinds: []string{"CronJob.batch"}, Set: suspend, Stage: 1,
			Reason: "its schedule would run it on half-restored state", Source: docsCronJob,
		},
		{
			Controller: "kubernetes", Kinds: []string{"Job.batch"}, Set: suspend, Stage: 1,
			Reason: "it would run on half-restored state", Source: docsJob,
		},
	}
}

// clusterAPIRules: a paused Cluster pauses everything of it. The others are paused as well, because
// their Cluster may be one that the target has and that runs.
func clusterAPIRules() []Rule {
	paused := []Setting{annotation("cluster.x-k8s.io/paused", "true")}
	rule := func(stage int, reason string, kinds ...string) Rule {
		return Rule{
			Controller: "cluster-api", Kinds: kinds, Except: []string{"*Template.*", "*TemplateList.*"}, Set: paused, Stage: stage,
			Reason: reason, Source: docsCAPI,
		}
	}
	cluster := rule(5, "it would make or delete machines while its machines are missing", "Cluster.cluster.x-k8s.io")
	byField := cluster
	byField.Set = []Setting{field(true, "spec", "paused")}

	return []Rule{
		byField,
		cluster,
		rule(1, "its controller would act on a real machine or its configuration",
			"Machine.cluster.x-k8s.io", "MachineHealthCheck.cluster.x-k8s.io", "*.infrastructure.cluster.x-k8s.io", "*.bootstrap.cluster.x-k8s.io",
			"*.ipam.cluster.x-k8s.io"),
		rule(2, "it would make machines for those that are not restored yet", "MachineSet.cluster.x-k8s.io", "MachinePool.cluster.x-k8s.io"),
		rule(3, "it would make or delete what it owns", "MachineDeployment.cluster.x-k8s.io", "*.controlplane.cluster.x-k8s.io"),
		rule(4, "it would change the clusters that it is for",
			"ClusterClass.cluster.x-k8s.io", "ClusterResourceSet.addons.cluster.x-k8s.io", "ClusterResourceSetBinding.addons.cluster.x-k8s.io"),
	}
}

// crossplaneRules release claims and composites first: they find the resources that they are made
// of, still paused, before anything is done outside of the cluster.
func crossplaneRules() []Rule {
	rule := func(stage int, category, await, reason string) Rule {
		return Rule{
			Controller: "crossplane", Kinds: []string{"*"}, Category: category, Set: []Setting{annotation("crossplane.io/paused", "true")},
			Stage: stage, Await: await, Reason: reason, Source: docsCrossplane,
		}
	}
	provider := rule(3, "", "", "its provider would make, change or delete the real resource")
	provider.Kinds, provider.Has = []string{"*.*"}, []string{"spec", "forProvider"}

	return []Rule{
		rule(1, "claim", "", "it would make a composite for the one that is not restored yet"),
		rule(2, "composite", "Synced", "it would make resources for those that are not restored yet"),
		rule(3, "managed", "", "its provider would make, change or delete the real resource"),
		provider,
	}
}

func fluxRules() []Rule {
	suspend := []Setting{field(true, "spec", "suspend")}
	rule := func(stage int, await, reason string, kinds ...string) Rule {
		return Rule{Controller: "flux", Kinds: kinds, Set: suspend, Stage: stage, Await: await, Reason: reason, Source: docsFlux}
	}

	return []Rule{
		rule(1, "Ready", "what is fetched would be applied at once",
			"GitRepository.source.toolkit.fluxcd.io", "OCIRepository.source.toolkit.fluxcd.io", "HelmRepository.source.toolkit.fluxcd.io",
			"HelmChart.source.toolkit.fluxcd.io", "Bucket.source.toolkit.fluxcd.io", "ImageRepository.image.toolkit.fluxcd.io"),
		rule(2, "", "it would apply what is in Git over what is being restored, and prune what it does not know",
			"Kustomization.kustomize.toolkit.fluxcd.io"),
		rule(2, "", "it would upgrade or roll back its release while its parts are missing", "HelmRelease.helm.toolkit.fluxcd.io"),
		rule(3, "", "it would commit to Git", "ImageUpdateAutomation.image.toolkit.fluxcd.io"),
		rule(3, "", "calls from outside would start reconciliations", "Receiver.notification.toolkit.fluxcd.io"),
	}
}

// argoRules: the annotation stops the application controller from doing anything (Argo CD 2.7 and
// newer). Without a policy for automated syncs older ones do nothing by themselves either, and
// without an operation none that was going on is repeated. An ApplicationSet cannot be paused: it is
// kept from changing and deleting Applications, and its controller is held back where the restore
// creates it, because a new ApplicationSet would create Applications that are not restored yet.
func argoRules() []Rule {
	return []Rule{
		{
			Controller: "argo-cd", Kinds: []string{"Application.argoproj.io"}, Stage: 1,
			Set: []Setting{
				annotation("argocd.argoproj.io/skip-reconcile", "true"), field(nil, "spec", "syncPolicy", "automated"), field(nil, "operation"),
			},
			Reason: "it would sync what is in Git over what is being restored, and prune what it does not know", Source: docsArgoSkip,
		},
		{
			Controller: "argo-cd", Kinds: []string{"ApplicationSet.argoproj.io"}, Stage: 2,
			Set:    []Setting{field("create-only", "spec", "syncPolicy", "applicationsSync")},
			Reason: "it would take the pause from its Applications, or delete those that its generators do not name yet", Source: docsArgoSets,
		},
		{
			Controller: "argo-cd", Kinds: []string{"Deployment.apps"}, Stage: 3,
			Labels: map[string]string{"app.kubernetes.io/name": "argocd-applicationset-controller"},
			Set:    []Setting{field(int64(0), "spec", "replicas")},
			Reason: "it would create Applications, unpaused, that are not restored yet", Source: docsArgoSets,
		},
	}
}

func kedaRules() []Rule {
	paused := []Setting{annotation("autoscaling.keda.sh/paused", "true")}
	return []Rule{
		{
			Controller: "keda", Kinds: []string{"ScaledObject.keda.sh"}, Set: paused, Stage: 1,
			Reason: "it would scale workloads by what its triggers say of the old cluster", Source: docsKEDA,
		},
		{
			Controller: "keda", Kinds: []string{"ScaledJob.keda.sh"}, Set: paused, Stage: 1,
			Reason: "it would make jobs, which then work on half-restored state", Source: docsKEDAJobs,
		},
	}
}

// externalSecretsRules: its objects have nothing to pause them with.
func externalSecretsRules() []Rule {
	return []Rule{
		{
			Controller: "external-secrets", Kinds: []string{"Deployment.apps"}, Stage: 1,
			Labels: map[string]string{"app.kubernetes.io/name": "external-secrets"},
			Set:    []Setting{field(int64(0), "spec", "replicas")},
			Reason: "it would push restored Secrets to their providers, and has nothing to pause a PushSecret with", Source: docsESO,
		},
	}
}
