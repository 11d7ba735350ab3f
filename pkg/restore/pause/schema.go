package pause

import (
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// kinds is what the definitions in a point say of the kinds that they define.
type kinds struct {
	categories map[appbur.GroupKind][]string
	// schemas by kind and version.
	schemas map[appbur.GroupKind]map[string]map[string]any
}

// kindsOf reads the definitions of a point. Crossplane makes those of composites and claims from a
// definition of its own.
func kindsOf(point restore.Point) kinds {
	k := kinds{make(map[appbur.GroupKind][]string), make(map[appbur.GroupKind]map[string]map[string]any)}
	for i, id := range point.Objects.IDs() {
		if id.Kind != "CustomResourceDefinition" && id.Kind != "CompositeResourceDefinition" {
			continue
		}
		o := point.Objects.At(i)
		get := func(keys ...string) string {
			text, _ := lookup(o.Content, append([]string{"spec"}, keys...)).(string)
			return text
		}
		kind := appbur.GroupKind{Group: get("group"), Kind: get("names", "kind")}
		switch o.ID.GroupKind().String() {
		case "CustomResourceDefinition.apiextensions.k8s.io":
			names, _ := lookup(o.Content, []string{"spec", "names", "categories"}).([]any)
			for _, name := range names {
				if text, ok := name.(string); ok {
					k.categories[kind] = append(k.categories[kind], text)
				}
			}
			k.schemas[kind] = schemasOf(o.Content)
		case "CompositeResourceDefinition.apiextensions.crossplane.io":
			claim := appbur.GroupKind{Group: kind.Group, Kind: get("claimNames", "kind")}
			k.categories[kind] = append(k.categories[kind], "composite")
			k.categories[claim] = append(k.categories[claim], "claim")
		}
	}
	return k
}

func schemasOf(definition map[string]any) map[string]map[string]any {
	schemas := make(map[string]map[string]any)
	versions, _ := lookup(definition, []string{"spec", "versions"}).([]any)
	for _, v := range versions {
		name, _ := lookup(v, []string{"name"}).(string)
		if schema, ok := lookup(v, []string{"schema", "openAPIV3Schema"}).(map[string]any); ok {
			schemas[name] = schema
		}
	}
	return schemas
}

// usable returns those settings whose field is not secret, and that the schema of the kind has a field for. An apply with any other
// would be refused: older versions of a definition lack fields that newer ones pause by. A kind that
// the point does not define is taken to have them all.
func (k kinds) usable(o restore.Object, settings []Setting) []Setting {
	settings = slices.DeleteFunc(slices.Clone(settings), func(s Setting) bool { return isSecret(o, s.Path) })
	schemas := k.schemas[o.ID.GroupKind()]
	version := o.APIVersion[strings.LastIndexByte(o.APIVersion, '/')+1:]
	schema, known := schemas[version]
	if !known {
		return settings
	}
	return slices.DeleteFunc(settings, func(s Setting) bool {
		return s.To != nil && s.Path[0] != "metadata" && !declares(schema, s.Path)
	})
}

func declares(schema map[string]any, keys []string) bool {
	for _, key := range keys {
		if schema["x-kubernetes-preserve-unknown-fields"] == true {
			return true
		}
		if inner, ok := lookup(schema, []string{"properties", key}).(map[string]any); ok {
			schema = inner
			continue
		}
		inner, ok := schema["additionalProperties"].(map[string]any)
		if !ok {
			return false
		}
		schema = inner
	}
	return true
}
