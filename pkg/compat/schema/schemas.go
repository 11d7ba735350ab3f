package schema

import (
	"sync"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// Schemas are the schemas of the custom kinds of a restore point. They are safe for
// concurrent use.
type Schemas struct {
	target appbur.KubeVersion

	mutex sync.Mutex
	kinds map[appbur.GroupKind]kind
}

// kind is what a definition says of its versions.
type kind struct {
	versions map[string]*version
	// stored is the storage version where the server itself converts to it, by changing
	// apiVersion and dropping what the version does not know; nil otherwise.
	stored *version
}

var _ compat.Schemas = (*Schemas)(nil)

// New reads the schemas of CustomResourceDefinitions of apiextensions.k8s.io/v1 for a
// target of the given release. What is no such definition is passed over: the server
// will report it.
func New(crds []map[string]any, target appbur.KubeVersion) *Schemas {
	s := &Schemas{target: target, kinds: make(map[appbur.GroupKind]kind)}
	for _, crd := range crds {
		if crd["apiVersion"] != "apiextensions.k8s.io/v1" || crd["kind"] != "CustomResourceDefinition" {
			continue
		}
		spec, _ := crd["spec"].(map[string]any)
		names, _ := spec["names"].(map[string]any)
		var gk appbur.GroupKind
		gk.Group, _ = spec["group"].(string)
		gk.Kind, _ = names["kind"].(string)
		conversion, _ := spec["conversion"].(map[string]any)
		strategy, set := conversion["strategy"]
		list, _ := spec["versions"].([]any)
		k := kind{versions: make(map[string]*version, len(list))}
		for _, each := range list {
			v, ok := readVersion(each)
			if !ok {
				continue
			}
			k.versions[v.name] = v
			if v.storage && (!set || strategy == "None") {
				k.stored = v
			}
		}
		s.kinds[gk] = k
	}

	return s
}

// Check implements [compat.Schemas].
func (s *Schemas) Check(object map[string]any) compat.Opinion {
	gvk, ok := compat.GVKOf(object)
	if !ok {
		return compat.Opinion{}
	}
	// What is sealed is text, whatever it was before.
	if _, sealed := object[appbur.SealedKey]; sealed {
		return compat.Opinion{Unchecked: "its values are sealed"}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	k := s.kinds[gvk.GroupKind()]
	v, ok := k.versions[gvk.Version]
	if !ok {
		return compat.Opinion{}
	}

	var opinion compat.Opinion
	err := appbur.Guard(func() (err error) {
		if opinion, err = v.check(object, s.target); err == nil && k.stored != nil && k.stored != v {
			opinion.StorageVersion = k.stored.name
			opinion.Dropped, err = k.stored.drops(object, v, s.target)
		}
		return err
	})
	if err != nil {
		return compat.Opinion{Unchecked: err.Error()}
	}
	return opinion
}
