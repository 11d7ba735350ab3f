package compat

// maxKeepsDepth is how deep schemas are compared. Deeper ones are taken to differ.
const maxKeepsDepth = 400

// Keeps reports whether the schema a keeps every field that the schema b keeps. Both
// are the openAPIV3Schema of versions of one CustomResourceDefinition: the server
// prunes what it reads and what it stores by them, so that reading an object at a
// version that does not keep everything loses, without a word, what is stored. When in
// doubt the answer is no.
func Keeps(a, b map[string]any) bool {
	return keeps(a, b, true, maxKeepsDepth)
}

func keeps(a, b map[string]any, root bool, depth int) bool {
	switch {
	case depth == 0:
		return false
	case !root && scalar(b):
		return true // fields are pruned, values are not
	}

	openA, openB := a[preserveUnknown] == true, b[preserveUnknown] == true
	ofA, ofB := mapAt(a, "properties"), mapAt(b, "properties")
	restA, restB := valuesOf(a), valuesOf(b)
	switch {
	case openB && !openA:
		return false
	case !root && b[embeddedResource] == true && a[embeddedResource] != true && !openA:
		return false
	case restB != nil && !openA && restA == nil:
		return false
	case restB != nil && restA != nil && !keeps(restA, restB, false, depth-1):
		return false
	}

	for name, value := range ofB {
		if root && isTypeOrMeta(name) {
			continue
		}
		below, ok := fieldOf(ofA, restA, name)
		of, _ := value.(map[string]any)
		if !ok && !openA || ok && !keeps(below, of, false, depth-1) {
			return false
		}
	}
	// What b keeps without naming it, a may name and prune inside.
	for name, value := range ofA {
		if _, named := ofB[name]; named || root && isTypeOrMeta(name) {
			continue
		}
		below, _ := value.(map[string]any)
		if restB != nil && !keeps(below, restB, false, depth-1) || openB && !keepsAll(below, depth-1) {
			return false
		}
	}
	if openB && restB == nil && restA != nil && !keepsAll(restA, depth-1) {
		return false
	}

	itemsA, itemsB := mapAt(a, "items"), mapAt(b, "items")
	switch {
	case itemsB != nil && itemsA != nil:
		return keeps(itemsA, itemsB, false, depth-1)
	case itemsB != nil:
		return openA
	case itemsA != nil && openB:
		return keepsAll(itemsA, depth-1)
	}
	return true
}

// keepsAll reports whether a schema prunes nothing at all.
func keepsAll(schema map[string]any, depth int) bool {
	return keeps(schema, map[string]any{preserveUnknown: true}, false, depth)
}

// scalar reports whether only values without fields are valid.
func scalar(schema map[string]any) bool {
	switch schema["type"] {
	case "string", "integer", "number", "boolean":
		return true
	}
	return schema[intOrString] == true
}

// valuesOf is the schema of the fields that a map does not name, nil if it has none.
func valuesOf(schema map[string]any) map[string]any {
	switch values := schema["additionalProperties"].(type) {
	case map[string]any:
		return values
	case bool:
		if values {
			return map[string]any{}
		}
	}
	return nil
}

// fieldOf finds the schema of one field.
func fieldOf(properties, rest map[string]any, name string) (map[string]any, bool) {
	if value, ok := properties[name]; ok {
		field, _ := value.(map[string]any)
		return field, true
	}
	return rest, rest != nil
}

func isTypeOrMeta(name string) bool {
	return name == "apiVersion" || name == "kind" || name == "metadata"
}
