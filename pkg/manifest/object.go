package manifest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/appbur/appbur"
)

// ErrNotObject is wrapped by the errors about values that are no Kubernetes object.
var ErrNotObject = errors.New("not a Kubernetes object")

// IDOf returns the id of an object, or an error that wraps [ErrNotObject].
func IDOf(obj map[string]any) (appbur.ObjectID, error) {
	o, err := newObject(obj)
	if err != nil {
		return appbur.ObjectID{}, err
	}
	return o.id, nil
}

// object is a read-only view of an object whose identity is known.
type object struct {
	content    map[string]any
	metadata   map[string]any
	id         appbur.ObjectID
	apiVersion string
	// managers are the entries of managedFields once they were needed.
	managers []map[string]any
}

func newObject(content map[string]any) (*object, error) {
	apiVersion, _ := content["apiVersion"].(string)
	kind, _ := content["kind"].(string)
	if apiVersion == "" || kind == "" {
		return nil, fmt.Errorf("%w: it has no apiVersion or no kind", ErrNotObject)
	}
	group, version, slash := strings.Cut(apiVersion, "/")
	if !slash {
		group, version = "", apiVersion
	}
	if version == "" || strings.Contains(version, "/") || (slash && group == "") {
		return nil, fmt.Errorf("%w: apiVersion %q is neither version nor group/version", ErrNotObject, apiVersion)
	}

	metadata, _ := content["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	if name == "" {
		return nil, fmt.Errorf("%w: %s has no metadata.name", ErrNotObject, kind)
	}
	namespace, _ := metadata["namespace"].(string)
	return &object{
		content:    content,
		metadata:   metadata,
		id:         appbur.ObjectID{Group: group, Kind: kind, Namespace: namespace, Name: name},
		apiVersion: apiVersion,
	}, nil
}

// owners returns the ownerReferences that are maps.
func (o *object) owners() []map[string]any {
	return mapsIn(o.metadata["ownerReferences"])
}

// controller returns the owner that controls the object, or nil.
func (o *object) controller() map[string]any {
	for _, owner := range o.owners() {
		if controls, _ := owner["controller"].(bool); controls {
			return owner
		}
	}
	return nil
}

// managedFields returns the entries that are maps.
func (o *object) managedFields() []map[string]any {
	if o.managers == nil {
		o.managers = mapsIn(o.metadata["managedFields"])
	}
	return o.managers
}

func mapsIn(list any) []map[string]any {
	elements, _ := list.([]any)
	if len(elements) == 0 {
		return nil
	}
	found := make([]map[string]any, 0, len(elements))
	for _, element := range elements {
		if m, ok := element.(map[string]any); ok {
			found = append(found, m)
		}
	}
	return found
}

// ownerKind returns the kind that an owner reference names.
func ownerKind(owner map[string]any) appbur.GroupKind {
	apiVersion, _ := owner["apiVersion"].(string)
	kind, _ := owner["kind"].(string)
	group, _, slash := strings.Cut(apiVersion, "/")
	if !slash {
		group = ""
	}
	return appbur.GroupKind{Group: group, Kind: kind}
}
