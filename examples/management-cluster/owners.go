package managementcluster

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// identity names an object without its API version.
type identity struct {
	group, kind, namespace, name string
}

func identify(obj *unstructured.Unstructured) identity {
	gvk := obj.GroupVersionKind()
	return identity{group: gvk.Group, kind: gvk.Kind, namespace: obj.GetNamespace(), name: obj.GetName()}
}

func (id identity) String() string {
	kind := schema.GroupKind{Group: id.group, Kind: id.kind}.String()
	if id.namespace == "" {
		return kind + " " + id.name
	}
	return kind + " " + id.namespace + "/" + id.name
}

// registry knows the uids of what was loaded.
type registry map[identity]types.UID

// link fills the uids of the live owners into the owner references. Owners stand
// before the owned in the files, in the same namespace or in none.
func (r registry) link(obj *unstructured.Unstructured) error {
	refs := obj.GetOwnerReferences()
	for i, ref := range refs {
		gv, err := schema.ParseGroupVersion(ref.APIVersion)
		if err != nil {
			return fmt.Errorf("owner of %s: %w", identify(obj), err)
		}
		owner := identity{group: gv.Group, kind: ref.Kind, namespace: obj.GetNamespace(), name: ref.Name}
		uid, ok := r[owner]
		if !ok {
			owner.namespace = ""
			uid, ok = r[owner]
		}
		if !ok {
			return fmt.Errorf("the owner %s of %s is not loaded", owner, identify(obj))
		}
		refs[i].UID = uid
	}

	if len(refs) > 0 {
		obj.SetOwnerReferences(refs)
	}
	return nil
}
