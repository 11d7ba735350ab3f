package compat_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/compat/schema"
)

// node draws a schema.
func node(t *rapid.T, depth int) map[string]any {
	kinds := []string{"string", "object", "open", "map", "array", "embedded"}
	if depth == 0 {
		kinds = kinds[:1]
	}

	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case "string":
		return map[string]any{"type": "string"}
	case "map":
		return map[string]any{"type": "object", "additionalProperties": node(t, depth-1)}
	case "array":
		return map[string]any{"type": "array", "items": node(t, depth-1)}
	default:
		n := map[string]any{"type": "object"}
		properties := map[string]any{}
		for _, name := range []string{"a", "b"} {
			if rapid.Bool().Draw(t, name) {
				properties[name] = node(t, depth-1)
			}
		}
		if len(properties) > 0 {
			n["properties"] = properties
		}
		if kind != "object" {
			n["x-kubernetes-preserve-unknown-fields"] = true
		}
		if kind == "embedded" {
			n["x-kubernetes-embedded-resource"] = true
		}
		return n
	}
}

// value draws what a schema may have to keep: fields that it has, and others.
func value(t *rapid.T, depth int) any {
	if depth == 0 {
		return "x"
	}
	switch rapid.SampledFrom([]string{"text", "map", "list"}).Draw(t, "value") {
	case "text":
		return "x"
	case "list":
		return []any{value(t, depth-1)}
	default:
		m := map[string]any{}
		for _, name := range []string{"a", "b", "c", "metadata"} {
			if rapid.Bool().Draw(t, name) {
				m[name] = value(t, depth-1)
			}
		}
		return m
	}
}

// TestKeepsIsWhatTheServerPrunes holds the comparison of schemas to what the server's
// code prunes: whatever b leaves of a valid object, a leaves too, if Keeps says so. And
// each schema keeps what it keeps.
func TestKeepsIsWhatTheServerPrunes(t *testing.T) {
	t.Parallel()
	said := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		root := func() map[string]any {
			return map[string]any{"type": "object", "properties": map[string]any{"spec": node(t, 3)}}
		}
		a, b := root(), root()
		for _, each := range []map[string]any{a, b} {
			if !compat.Keeps(each, each) {
				t.Fatalf("%v does not keep what it keeps", each)
			}
		}
		answer := compat.Keeps(a, b)
		said[answer]++
		if !answer {
			return
		}

		object := map[string]any{"apiVersion": "example.org/v1", "kind": "Valve", "metadata": map[string]any{"name": "v"}, "spec": value(t, 4)}
		if !valid(b, object) {
			return
		}
		byB := runtime.DeepCopyJSON(object)
		pruning.Prune(byB, structural(t, b), true)
		byBoth := runtime.DeepCopyJSON(byB)
		pruning.Prune(byBoth, structural(t, a), true)
		if diff := cmp.Diff(byB, byBoth); diff != "" {
			t.Fatalf("a: %v\nb: %v\nlost (-b +a):\n%s", a, b, diff)
		}
	})
	if total := said[true] + said[false]; 10*said[true] < total || 10*said[false] < total {
		t.Errorf("answers: %v", said)
	}
}

// valid reports whether a schema has nothing against an object but fields that it does
// not know.
func valid(written, object map[string]any) bool {
	crd := map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"spec": map[string]any{
			"group": "example.org", "names": map[string]any{"kind": "Valve"},
			"versions": []any{map[string]any{"name": "v1", "schema": map[string]any{"openAPIV3Schema": written}}},
		},
	}
	opinion := schema.New([]map[string]any{crd}, appbur.KubeVersion{Major: 1, Minor: 37}).Check(object)
	return !slices.ContainsFunc(opinion.Object, func(r compat.Refusal) bool { return !strings.Contains(r.What, "does not know") })
}

func structural(t *rapid.T, written map[string]any) *structuralschema.Structural {
	data, err := json.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}
	var v1 apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal(data, &v1); err != nil {
		t.Fatal(err)
	}
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&v1, &internal, nil); err != nil {
		t.Fatal(err)
	}
	s, err := structuralschema.NewStructural(&internal)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
