//go:build integration

package builtins

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// everything is the name of the objects, and of the namespace that they are in.
const everything = "matrix"

// object is one object of testdata/objects.txtar.
type object struct {
	id      appbur.ObjectID
	content map[string]any
}

// objects reads the objects of the kinds that a server can create. It returns the
// kinds that the archive has, too.
func (s *server) objects() (objects []object, known map[appbur.GroupKind]bool) {
	s.t.Helper()
	archive, err := txtar.ParseFile("testdata/objects.txtar")
	if err != nil {
		s.t.Fatal(err)
	}
	known = make(map[appbur.GroupKind]bool)

	for _, file := range archive.Files {
		title, name, named := strings.Cut(file.Name, "/")
		if !named {
			name = everything
		}
		kind, group, _ := strings.Cut(title, ".")
		gk := appbur.GroupKind{Group: group, Kind: kind}
		known[gk] = true
		r, served := s.resources[gk]
		if !served {
			continue
		}
		o := object{id: appbur.ObjectID{Group: group, Kind: kind, Name: name}}
		if r.namespaced {
			o.id.Namespace = everything
		}
		o.content = o.fill(s.t, r, file.Data)
		objects = append(objects, o)
	}

	return objects, known
}

// fill adds to the content what the archive leaves out.
func (o object) fill(t *testing.T, r resource, data []byte) map[string]any {
	t.Helper()
	content, err := manifest.Decode(data)
	if err != nil {
		t.Fatalf("%s: %v", o.id, err)
	}
	metadata, _ := content["metadata"].(map[string]any)
	if metadata == nil {
		metadata = make(map[string]any)
	}
	metadata["name"] = o.id.Name
	if o.id.Namespace != "" {
		metadata["namespace"] = o.id.Namespace
	}
	content["metadata"], content["kind"], content["apiVersion"] = metadata, o.id.Kind, r.GroupVersion().String()
	return content
}

// yaml is the object as a client sends it.
func (o object) yaml(t *testing.T) []byte {
	t.Helper()
	data, err := manifest.Encode(o.content)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
