package manifest

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// defaultSecretRules say which values Kubernetes and its usual tools keep secret.
// Fields of custom resources are not guessed; users name them.
func defaultSecretRules() []SecretRule {
	secret := []string{"Secret"}
	return []SecretRule{
		{
			ID: "secret-data", Kinds: secret, Path: "data", Always: true,
			Reason: "a Secret is there to hold secrets", Source: "staging/src/k8s.io/api/core/v1/types.go, Secret.data",
		},
		{
			ID: "secret-string-data", Kinds: secret, Path: "stringData", Always: true,
			Reason: "a Secret is there to hold secrets", Source: "staging/src/k8s.io/api/core/v1/types.go, Secret.stringData",
		},
		{
			ID: "secret-helm-release", Kinds: []string{"ConfigMap"}, Path: "data.release",
			When: Any{
				Is{Path: "metadata.labels.owner", Values: []string{"helm"}},
				Is{Path: "metadata.labels.OWNER", Values: []string{"TILLER"}},
			},
			Reason: "a Helm release holds the values and the manifests of a chart, Secrets among them",
			Source: "helm/pkg/storage/driver/cfgmaps.go",
		},
	}
}

// safetyFields keep secrets out of Git. No rule of a user comes before them.
func safetyFields() []FieldRule {
	const source = "staging/src/k8s.io/api/core/v1/annotation_key_constants.go; kubernetes#23564"
	nested := `**["` + lastApplied + `"]`
	rules := []FieldRule{
		{
			ID: "annotation-" + lastApplied, Kinds: []string{EveryKind}, Path: `metadata.annotations["` + lastApplied + `"]`, Prune: true,
			Safety: true,
			Reason: "it repeats the object, values of Secrets included", Source: source,
		},
		{
			ID: "nested-annotation-" + lastApplied, Kinds: []string{BuiltInKinds}, Path: nested, Prune: true, Safety: true,
			Reason: "a template that was copied from a live object repeats that object", Source: source,
		},
		{
			ID: "nested-custom-annotation-" + lastApplied, Kinds: []string{CustomKinds}, Path: nested, Safety: true,
			Reason: "a template that was copied from a live object repeats that object; an empty map may mean something here and stays",
			Source: source,
		},
	}

	for _, a := range secretCopies {
		rules = append(rules, FieldRule{
			ID: "secret-annotation-" + a.key, Kinds: []string{"Secret"}, Path: `metadata.annotations["` + a.key + `"]`, Prune: true, Safety: true,
			Reason: a.reason, Source: a.source,
		})
	}

	return rules
}
