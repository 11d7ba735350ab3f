package cli

import (
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur/pkg/exporter"
)

// A custom kind may have the name of a core one, or of another custom kind.
func TestFindType(t *testing.T) {
	kind := func(group, resource, kind string) exporter.Type {
		return exporter.Type{GroupVersionResource: schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}, Kind: kind}
	}
	types := []exporter.Type{
		kind("mesh.example.com", "namespaces", "Namespace"), kind("", "namespaces", "Namespace"),
		kind("a.example.com", "lamps", "Lamp"), kind("b.example.com", "lamps", "Lamp"),
	}
	for name, want := range map[string]string{
		"namespace": "", "Namespaces": "", "namespaces.mesh.example.com": "mesh.example.com", "lamp.b.example.com": "b.example.com",
	} {
		if found, err := findType(types, name); err != nil || found.GroupVersionResource.Group != want {
			t.Errorf("%s: group %q, %v; want %q", name, found.GroupVersionResource.Group, err, want)
		}
	}

	var usage *usageError
	if _, err := findType(types, "lamp"); !errors.As(err, &usage) {
		t.Errorf("a name of two kinds: %v", err)
	}
	var unknown *notFoundError
	if _, err := findType(types, "lamps.c.example.com"); !errors.As(err, &unknown) {
		t.Errorf("a name of no kind: %v", err)
	}
}
