package kindname

import (
	"slices"
	"strings"

	"github.com/appbur/appbur"
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

// Name is what a person calls a kind.
type Name struct {
	text  string
	words []string // in lower case
	group string
	// grouped says that the group was named; "" is the core group otherwise.
	grouped bool
}

// Parse reads a name. Every text is one; whether a kind has it is what [Name.Fits] says.
func Parse(text string) Name {
	word, group, grouped := strings.Cut(strings.ToLower(text), ".")
	n := Name{text: text, words: []string{word}, group: group, grouped: grouped}
	if kind, short := shortNames[word]; short {
		n.words = append(n.words, kind)
	}

	// The resources of Kubernetes are English plurals.
	for _, plural := range []struct{ ending, singular string }{{"s", ""}, {"es", ""}, {"ies", "y"}} {
		if stem, ok := strings.CutSuffix(word, plural.ending); ok && stem != "" {
			n.words = append(n.words, stem+plural.singular)
		}
	}
	return n
}

// String returns the name as it was written.
func (n Name) String() string { return n.text }

// Grouped reports whether the name has the API group.
func (n Name) Grouped() bool { return n.grouped }

// Fits reports whether the kind has this name. The definition of a custom kind may give it
// more names, which are those of aliases.
func (n Name) Fits(gk appbur.GroupKind, aliases ...string) bool {
	if n.FitsType(strings.ToLower(gk.String())) {
		return true
	}
	return (!n.grouped || n.group == gk.Group) && slices.Contains(aliases, n.words[0])
}

// FitsType reports whether the name is one of a type as paths have it, such as
// "deployment.apps".
func (n Name) FitsType(typeName string) bool {
	kind, group, _ := strings.Cut(typeName, ".")
	return slices.Contains(n.words, kind) && (!n.grouped || n.group == group)
}
