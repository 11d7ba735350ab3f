package compat

import "fmt"

const (
	preserveUnknown  = "x-kubernetes-preserve-unknown-fields"
	intOrString      = "x-kubernetes-int-or-string"
	embeddedResource = "x-kubernetes-embedded-resource"
)

// forbidden are the schema fields that a structural schema never has, at any
// depth, with what may be done about them.
var forbidden = []struct {
	field string
	drop  bool // true when the field only documents, so that nothing is lost
}{
	{"$ref", false},
	{"definitions", false},
	{"dependencies", false},
	{"patternProperties", false},
	{"discriminator", false},
	{"additionalItems", false},
	{"deprecated", true},
	{"id", true},
	{"readOnly", true},
	{"writeOnly", true},
	{"xml", true},
	{"$schema", true},
}

// forbiddenInJunctor are fields that must not appear below allOf, anyOf, oneOf
// and not: there, a structural schema may only constrain.
var forbiddenInJunctor = []string{
	"description", "type", "default", "title", "additionalProperties", "nullable",
	preserveUnknown, embeddedResource, intOrString, "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
}

// structural turns the OpenAPI v3 schema of a CRD that preserves unknown fields
// into a structural one that does so by itself, in place, as far as that loses
// nothing. fault says what is in the way.
type structural struct {
	touched bool
	fault   string
}

func (s *structural) fail(path, format string, args ...any) {
	if s.fault == "" {
		s.fault = path + " " + fmt.Sprintf(format, args...)
	}
}

func (s *structural) set(node map[string]any, key string, value any) {
	if node[key] != value {
		node[key] = value
		s.touched = true
	}
}

// root handles the top of a schema, which describes the complete object.
func (s *structural) root(schema map[string]any) {
	if schema["type"] == nil || schema["type"] == "" {
		s.set(schema, "type", "object")
	}
	if schema["type"] != "object" {
		s.fail("the root", "has type %v", schema["type"])
	}
	if schema["nullable"] == true {
		s.fail("the root", "is nullable")
	}

	// Only the type of metadata, and constraints on name and generateName, may be said.
	if metadata := mapAt(schema, "properties", "metadata"); metadata != nil {
		for _, key := range sortedKeys(metadata) {
			if key != "type" && key != "properties" {
				delete(metadata, key)
				s.touched = true
			}
		}
		s.set(metadata, "type", "object")
		properties := mapAt(metadata, "properties")
		for _, key := range sortedKeys(properties) {
			if key != "name" && key != "generateName" {
				delete(properties, key)
				s.touched = true
			}
		}
	}

	s.node(schema, "", true)
}

// node handles one value of the object and everything below it.
func (s *structural) node(node map[string]any, path string, isRoot bool) {
	s.strip(node, path)
	s.mergeIntOrString(node)
	s.fillType(node)

	properties, additional := mapAt(node, "properties"), node["additionalProperties"]
	if properties != nil && additional != nil {
		if additional == true {
			delete(node, "additionalProperties")
			s.set(node, preserveUnknown, true)
		} else {
			s.fail(path, "has both properties and additionalProperties")
		}
	}

	if additional == false {
		s.fail(path, "forbids additional properties")
	}
	if node["uniqueItems"] == true {
		s.fail(path, "demands unique items")
	}
	if node["type"] == "array" && mapAt(node, "items") == nil {
		s.fail(path, "is an array whose items have no single schema")
	}
	if node["type"] == "object" && node["additionalProperties"] == nil && path != ".metadata" {
		s.set(node, preserveUnknown, true)
	}

	for _, name := range sortedKeys(properties) {
		if child, ok := properties[name].(map[string]any); ok {
			s.node(child, path+"."+name, false)
		}
	}

	if items := mapAt(node, "items"); items != nil {
		s.node(items, path+"[]", false)
	}
	if values, ok := node["additionalProperties"].(map[string]any); ok {
		if isRoot {
			s.fail("the root", "has additionalProperties")
		}
		s.node(values, path+"[*]", false)
	}
	s.junctors(node, node, path)
}

// strip removes fields that only document, and refuses the others.
func (s *structural) strip(node map[string]any, path string) {
	for _, rule := range forbidden {
		if _, ok := node[rule.field]; !ok {
			continue
		}
		if !rule.drop {
			s.fail(path, "uses %s", rule.field)
			continue
		}
		delete(node, rule.field)
		s.touched = true
	}
}

// mergeIntOrString recognises the old way to write "integer or string".
func (s *structural) mergeIntOrString(node map[string]any) {
	if node[intOrString] == true || (node["type"] != nil && node["type"] != "") {
		return
	}

	for _, junctor := range []string{"anyOf", "oneOf"} {
		list := listAt(node, junctor)
		if len(list) != 2 {
			continue
		}
		types := map[any]bool{}
		for _, item := range list {
			if m, ok := item.(map[string]any); ok && len(m) == 1 {
				types[m["type"]] = true
			}
		}
		if types["integer"] && types["string"] {
			delete(node, junctor)
			s.set(node, intOrString, true)
			return
		}
	}
}

// fillType gives a type to values that had none, the one their other fields
// imply, or none but "anything goes".
func (s *structural) fillType(node map[string]any) {
	if kind, ok := node["type"].(string); (ok && kind != "") || node[intOrString] == true {
		return
	}
	switch {
	case node["format"] == "int-or-string":
		delete(node, "format")
		s.set(node, intOrString, true)
	case node["properties"] != nil || node["additionalProperties"] != nil || node["required"] != nil || node[embeddedResource] == true:
		s.set(node, "type", "object")
	case node["items"] != nil:
		s.set(node, "type", "array")
	default:
		s.set(node, preserveUnknown, true)
	}
}

// junctors checks that logical junctors only constrain what the main part
// specifies, and drops from them what is documentation.
func (s *structural) junctors(node, skeleton map[string]any, path string) {
	for _, junctor := range []string{"allOf", "anyOf", "oneOf"} {
		for _, item := range listAt(node, junctor) {
			if m, ok := item.(map[string]any); ok {
				s.constraint(m, skeleton, path)
			}
		}
	}
	if not := mapAt(node, "not"); not != nil {
		s.constraint(not, skeleton, path)
	}
}

func (s *structural) constraint(node, skeleton map[string]any, path string) {
	if isIntOrStringPattern(node, skeleton) {
		return
	}
	s.strip(node, path)

	for _, field := range forbiddenInJunctor {
		value, ok := node[field]
		switch {
		case !ok:
		case field == "description" || field == "title":
			delete(node, field)
			s.touched = true
		case field == "type" && value == skeleton["type"]:
			delete(node, field)
			s.touched = true
		default:
			s.fail(path, "says %s inside a junctor", field)
		}
	}

	properties := mapAt(node, "properties")
	for _, name := range sortedKeys(properties) {
		child, ok := properties[name].(map[string]any)
		below := mapAt(skeleton, "properties", name)
		switch {
		case !ok:
		case below == nil:
			s.fail(path+"."+name, "is specified inside a junctor only")
		default:
			s.constraint(child, below, path+"."+name)
		}
	}

	if items := mapAt(node, "items"); items != nil {
		if below := mapAt(skeleton, "items"); below != nil {
			s.constraint(items, below, path+"[]")
		} else {
			s.fail(path+"[]", "is specified inside a junctor only")
		}
	}

	s.junctors(node, skeleton, path)
}

// isIntOrStringPattern recognises {type: integer} and {type: string} below a
// value that is marked as either, which the API allows.
func isIntOrStringPattern(node, skeleton map[string]any) bool {
	return skeleton[intOrString] == true && len(node) == 1 && (node["type"] == "integer" || node["type"] == "string")
}
