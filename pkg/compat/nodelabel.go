package compat

import (
	"fmt"
	"strings"
)

// stableLabels are node labels that were beta and have a stable name that every
// node carries since 1.17, with the same value. beta.kubernetes.io/os and arch are not
// among them: kubelets up to 1.37 write them as well (pkg/kubelet, updateDefaultLabels), so
// who selects nodes by them finds the same nodes.
var stableLabels = map[string]string{
	"beta.kubernetes.io/instance-type":         "node.kubernetes.io/instance-type",
	"failure-domain.beta.kubernetes.io/zone":   "topology.kubernetes.io/zone",
	"failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}

const (
	masterRole  = "node-role.kubernetes.io/master"
	controlRole = "node-role.kubernetes.io/control-plane"
)

// podNodeLabels renames beta node labels wherever a pod selects nodes or spreads
// over them.
func podNodeLabels(e *edit) {
	eachPod(e, func(p pod) {
		if selector := mapAt(p.spec, "nodeSelector"); selector != nil {
			renameKeys(e, selector, join(p.specPath, "nodeSelector"))
		}
		walkSelectors(p.spec, p.specPath, func(m map[string]any, key, path string) {
			renameValue(e, m, key, path)
		})
	})
}

// walkSelectors visits every place in a pod that names a node label: f gets the
// map, the key whose value is the label, and the path of that value.
func walkSelectors(spec map[string]any, specPath string, f func(m map[string]any, key, path string)) {
	nodeAffinity := mapAt(spec, "affinity", "nodeAffinity")
	path := specPath + ".affinity.nodeAffinity"
	walkTerms(listAt(nodeAffinity, "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"),
		path+".requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms", f)
	preferred := "preferredDuringSchedulingIgnoredDuringExecution"
	eachMap(listAt(nodeAffinity, preferred), join(path, preferred), func(term map[string]any, path string) {
		walkTerm(mapAt(term, "preference"), path+".preference", f)
	})

	for _, kind := range []string{"podAffinity", "podAntiAffinity"} {
		path := specPath + ".affinity." + kind
		required := "requiredDuringSchedulingIgnoredDuringExecution"
		eachMap(listAt(spec, "affinity", kind, required), join(path, required), func(term map[string]any, path string) {
			f(term, "topologyKey", path+".topologyKey")
		})
		eachMap(listAt(spec, "affinity", kind, preferred), join(path, preferred), func(term map[string]any, path string) {
			if m := mapAt(term, "podAffinityTerm"); m != nil {
				f(m, "topologyKey", path+".podAffinityTerm.topologyKey")
			}
		})
	}

	eachMap(listAt(spec, "topologySpreadConstraints"), specPath+".topologySpreadConstraints", func(c map[string]any, path string) {
		f(c, "topologyKey", path+".topologyKey")
	})
}

// walkTerms visits the expressions of node selector terms.
func walkTerms(terms []any, path string, f func(m map[string]any, key, path string)) {
	eachMap(terms, path, func(term map[string]any, path string) { walkTerm(term, path, f) })
}

func walkTerm(term map[string]any, path string, f func(m map[string]any, key, path string)) {
	eachMap(listAt(term, "matchExpressions"), path+".matchExpressions", func(expression map[string]any, path string) {
		f(expression, "key", path+".key")
	})
}

func renameValue(e *edit, m map[string]any, key, path string) {
	old, _ := m[key].(string)
	if label, ok := stableLabels[old]; ok {
		m[key] = label
		e.changed(path, fmt.Sprintf("%s is called %s", old, label))
	}
}

func renameKeys(e *edit, m map[string]any, path string) {
	for _, old := range sortedKeys(m) {
		label, ok := stableLabels[old]
		if !ok {
			continue
		}
		if existing, both := m[label]; both && existing != m[old] {
			e.noticed(path, fmt.Sprintf("%s and %s differ: no node has both", old, label))
			continue
		}
		m[label] = m[old]
		delete(m, old)
		e.changed(path, fmt.Sprintf("%s is called %s", old, label))
	}
}

// podMasterRole reports what no node of a kubeadm cluster carries any more. The
// names are not rewritten: which labels and taints nodes carry is the choice of
// whoever made them.
func podMasterRole(e *edit) {
	eachPod(e, func(p pod) {
		const gone = masterRole + " is gone from kubeadm nodes since 1.24 (label) and 1.25 (taint); they carry " + controlRole
		if _, ok := valueAt(p.spec, "nodeSelector", masterRole); ok {
			e.noticed(p.specPath+".nodeSelector", gone)
		}
		walkSelectors(p.spec, p.specPath, func(m map[string]any, key, path string) {
			if m[key] == masterRole {
				e.noticed(path, gone)
			}
		})

		tolerations := listAt(p.spec, "tolerations")
		tolerated := false
		eachMap(tolerations, "", func(t map[string]any, _ string) {
			key := stringAt(t, "key")
			tolerated = tolerated || key == controlRole || (key == "" && t["operator"] == "Exists")
		})
		eachMap(tolerations, p.specPath+".tolerations", func(t map[string]any, path string) {
			if t["key"] == masterRole && !tolerated {
				e.noticed(path, gone)
			}
		})
	})
}

// volumeTopology renames beta labels where a volume says which nodes reach it.
func volumeTopology(e *edit) {
	walkTerms(listAt(e.object, "spec", "nodeAffinity", "required", "nodeSelectorTerms"), "spec.nodeAffinity.required.nodeSelectorTerms",
		func(m map[string]any, key, path string) { renameValue(e, m, key, path) })
	for _, key := range sortedKeys(mapAt(e.object, "metadata", "labels")) {
		if strings.HasPrefix(key, "failure-domain.beta.kubernetes.io/") {
			e.noticed("metadata.labels", fmt.Sprintf("%s has no effect any more; node affinity says where the volume is", key))
		}
	}
}

// classTopology renames beta labels where a class says where volumes may be.
func classTopology(e *edit) {
	eachMap(listAt(e.object, "allowedTopologies"), "allowedTopologies", func(term map[string]any, path string) {
		eachMap(listAt(term, "matchLabelExpressions"), path+".matchLabelExpressions", func(expression map[string]any, path string) {
			renameValue(e, expression, "key", path+".key")
		})
	})
}
