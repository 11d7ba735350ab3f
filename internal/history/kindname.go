package history

import (
	"slices"
	"strings"
)

// shortNames are those of built-in kinds (`kubectl api-resources`). Only a cluster
// knows the short names of custom resources.
var shortNames = map[string]string{
	"cj": "cronjob", "cm": "configmap", "crd": "customresourcedefinition", "crds": "customresourcedefinition",
	"csr": "certificatesigningrequest", "deploy": "deployment", "ds": "daemonset", "ep": "endpoints", "ev": "event",
	"hpa": "horizontalpodautoscaler", "ing": "ingress", "limits": "limitrange", "netpol": "networkpolicy", "no": "node",
	"ns": "namespace", "pc": "priorityclass", "pdb": "poddisruptionbudget", "po": "pod", "psp": "podsecuritypolicy",
	"pv": "persistentvolume", "pvc": "persistentvolumeclaim", "quota": "resourcequota", "rc": "replicationcontroller",
	"rs": "replicaset", "sa": "serviceaccount", "sc": "storageclass", "sts": "statefulset", "svc": "service",
}

// kindName is what a person calls a kind: a kind, a resource or a short name, with
// or without the group.
type kindName struct {
	text  string
	kinds []string // in lower case, as paths have them
	group string
	// grouped says that the group was named; "" is the core group otherwise.
	grouped bool
}

func parseKindName(text string) kindName {
	word, group, grouped := strings.Cut(strings.ToLower(text), ".")
	k := kindName{text: text, kinds: []string{word}, group: group, grouped: grouped}
	if kind, short := shortNames[word]; short {
		k.kinds = append(k.kinds, kind)
	}
	// The resources of Kubernetes are English plurals.
	for _, plural := range []struct{ ending, singular string }{{"s", ""}, {"es", ""}, {"ies", "y"}} {
		if stem, ok := strings.CutSuffix(word, plural.ending); ok && stem != "" {
			k.kinds = append(k.kinds, stem+plural.singular)
		}
	}
	return k
}

// fits reports whether a type of a path, such as "deployment.apps", is meant.
func (k kindName) fits(typeName string) bool {
	kind, group, _ := strings.Cut(typeName, ".")
	return slices.Contains(k.kinds, kind) && (!k.grouped || k.group == group)
}
