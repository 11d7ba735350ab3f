package schemadiff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

func parseJSON(data []byte) (Schema, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var root map[string]any
	if err := decoder.Decode(&root); err != nil {
		return Schema{}, fmt.Errorf("%w: it is no JSON object", ErrSchema)
	}
	if _, isSchema := root["properties"].(map[string]any); !isSchema && root["$ref"] == nil && root["type"] == nil {
		return Schema{}, fmt.Errorf("%w: it has no properties, so it is no JSON Schema of a row", ErrSchema)
	}
	return Schema{json: root}, nil
}

type jsonComparison struct {
	older, newer map[string]any
	found        *found
	// seen are the pairs of references that were followed.
	seen map[[2]string]bool
}

// resolve follows references within a document.
func resolve(root, schema map[string]any) (resolved map[string]any, by string) {
	for range 100 {
		ref, ok := schema["$ref"].(string)
		if !ok || !strings.HasPrefix(ref, "#") {
			return schema, by
		}
		by = ref
		var at any = root
		for token := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(ref, "#"), "/"), "/") {
			object, _ := at.(map[string]any)
			if token != "" {
				at = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
			}
		}
		next, ok := at.(map[string]any)
		if !ok {
			return schema, by
		}
		schema = next
	}
	return schema, by
}

func (c jsonComparison) compare(path string, a, b map[string]any) {
	a, byA := resolve(c.older, a)
	b, byB := resolve(c.newer, b)
	if pair := [2]string{byA, byB}; byA != "" && byB != "" {
		if c.seen[pair] {
			return
		}
		c.seen[pair] = true
	}

	c.types(path, a, b)
	c.enums(path, a, b)
	c.bounds(path, a, b)
	c.properties(path, a, b)
	c.items(path, a, b)
	for _, keyword := range unread {
		if !same(a[keyword], b[keyword]) {
			c.found.add("NOT_UNDERSTOOD", at(path), fmt.Sprintf("%q is another one", keyword))
		}
	}
	for _, keyword := range []string{"pattern", "format", "multipleOf", "contentEncoding"} {
		if b[keyword] != nil && !same(a[keyword], b[keyword]) {
			c.found.add("PATTERN_CHANGED", at(path), fmt.Sprintf("%s is %s now, and was %s", keyword, text(b[keyword]), text(a[keyword])))
		}
	}
	if b["uniqueItems"] == true && a["uniqueItems"] != true {
		c.found.add("BOUND_TIGHTENED", at(path), "its elements must differ now")
	}
}

// unread are the keywords that this comparison does not follow.
var unread = []string{
	"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies", "patternProperties",
	"propertyNames", "contains", "prefixItems", "additionalItems", "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef",
}

func at(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

func same(a, b any) bool { return text(a) == text(b) }

func text(value any) string {
	if value == nil {
		return "not there"
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}

// typesOf are the types that a value may have, all of them if nothing is said.
func typesOf(schema map[string]any) []string {
	var types []string
	switch t := schema["type"].(type) {
	case string:
		types = []string{t}
	case []any:
		for _, one := range t {
			types = append(types, fmt.Sprint(one))
		}
	default:
		types = []string{"array", "boolean", "null", "number", "object", "string"}
	}
	if slices.Contains(types, "number") && !slices.Contains(types, "integer") {
		types = append(types, "integer")
	}
	if schema["nullable"] == true && !slices.Contains(types, "null") { // OpenAPI 3.0
		types = append(types, "null")
	}
	slices.Sort(types)
	return types
}

func (c jsonComparison) types(path string, a, b map[string]any) {
	before, after := typesOf(a), typesOf(b)
	lost := slices.DeleteFunc(slices.Clone(before), func(t string) bool { return slices.Contains(after, t) })
	gained := slices.DeleteFunc(slices.Clone(after), func(t string) bool { return slices.Contains(before, t) })
	switch {
	case len(lost) > 0:
		c.found.add("TYPE_NARROWED", at(path), fmt.Sprintf("it is %s now, and was %s", strings.Join(after, " or "), strings.Join(before, " or ")))
	case len(gained) > 0:
		c.found.add("TYPE_WIDENED", at(path), "it may be "+strings.Join(gained, " or ")+", too")
	}
}

func (c jsonComparison) enums(path string, a, b map[string]any) {
	before, after := valuesOf(a), valuesOf(b)
	switch {
	case after == nil:
	case before == nil:
		c.found.add("ENUM_NARROWED", at(path), "only some values are allowed now: "+strings.Join(after, ", "))
	default:
		for _, value := range before {
			if !slices.Contains(after, value) {
				c.found.add("ENUM_NARROWED", at(path), value+" is not allowed any more")
			}
		}
	}
}

// valuesOf are the only values that are allowed, nil if there is no such list.
func valuesOf(schema map[string]any) []string {
	if only, ok := schema["const"]; ok {
		return []string{text(only)}
	}
	list, ok := schema["enum"].([]any)
	if !ok {
		return nil
	}
	values := []string{}
	for _, v := range list {
		values = append(values, text(v))
	}
	return values
}

// limits are the keywords that bound a value; up says that a higher one is tighter.
var limits = []struct {
	keyword string
	up      bool
}{
	{"minimum", true},
	{"exclusiveMinimum", true},
	{"maximum", false},
	{"exclusiveMaximum", false},
	{"minLength", true},
	{"maxLength", false},
	{"minItems", true},
	{"maxItems", false},
	{"minProperties", true},
	{"maxProperties", false},
	{"minContains", true},
	{"maxContains", false},
}

func (c jsonComparison) bounds(path string, a, b map[string]any) {
	for _, limit := range limits {
		before, after := rational(a[limit.keyword]), rational(b[limit.keyword])
		if after == nil {
			if b[limit.keyword] != nil && !same(a[limit.keyword], b[limit.keyword]) {
				c.found.add("NOT_UNDERSTOOD", at(path), fmt.Sprintf("%q is another one", limit.keyword))
			}
			continue
		}
		if before == nil && limit.up && strings.HasPrefix(limit.keyword, "min") && limit.keyword != "minimum" && after.Sign() <= 0 {
			continue // a length of at least 0 is no limit
		}
		if before == nil || limit.up && after.Cmp(before) > 0 || !limit.up && after.Cmp(before) < 0 {
			what := fmt.Sprintf("%s is %s now, and was %s", limit.keyword, text(b[limit.keyword]), text(a[limit.keyword]))
			c.found.add("BOUND_TIGHTENED", at(path), what)
		}
	}
}

func rational(value any) *big.Rat {
	number, ok := value.(json.Number)
	if !ok || len(number) > 40 || strings.ContainsAny(string(number), "eE") {
		return nil
	}
	r, ok := new(big.Rat).SetString(string(number))
	if !ok {
		return nil
	}
	return r
}

func (c jsonComparison) properties(path string, a, b map[string]any) {
	before, _ := a["properties"].(map[string]any)
	after, _ := b["properties"].(map[string]any)
	required := names(b["required"])

	for _, name := range slices.Sorted(maps.Keys(before)) {
		inner := path + "/" + escape(name)
		other, ok := after[name]
		if !ok {
			c.found.add("PROPERTY_REMOVED", inner, "it is not described any more")
			continue
		}
		c.inner(inner, before[name], other)
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[name]; !ok {
			c.found.add("PROPERTY_ADDED", path+"/"+escape(name), "it is new")
		}
	}
	for _, name := range required {
		if !slices.Contains(names(a["required"]), name) {
			c.found.add("REQUIRED_ADDED", path+"/"+escape(name), "it is required now")
		}
	}

	open, openAfter := a["additionalProperties"], b["additionalProperties"]
	switch {
	case open != false && openAfter == false:
		c.found.add("PROPERTIES_CLOSED", at(path), "additionalProperties is false now")
	case openAfter == nil || openAfter == true || open == false:
	case open == nil || open == true:
		c.found.add("NOT_UNDERSTOOD", at(path), "additionalProperties has a schema now")
	default:
		c.inner(path+"/*", open, openAfter)
	}
}

func (c jsonComparison) items(path string, a, b map[string]any) {
	if b["items"] == nil {
		return
	}
	if a["items"] == nil {
		if b["items"] != true {
			c.found.add("NOT_UNDERSTOOD", at(path), "its elements are described now, and were not")
		}
		return
	}
	c.inner(path+"/*", a["items"], b["items"])
}

// inner compares what may be a schema or a bool.
func (c jsonComparison) inner(path string, a, b any) {
	left, isLeft := a.(map[string]any)
	right, isRight := b.(map[string]any)
	if isLeft && isRight {
		c.compare(path, left, right)
		return
	}
	if !same(a, b) && b != true {
		c.found.add("NOT_UNDERSTOOD", at(path), fmt.Sprintf("it is %s now, and was %s", text(b), text(a)))
	}
}

func names(value any) (all []string) {
	list, _ := value.([]any)
	for _, v := range list {
		if name, ok := v.(string); ok {
			all = append(all, name)
		}
	}
	return all
}

// jsonFields are the fields that a schema describes, to the last level.
func jsonFields(root map[string]any) (fields []Field) {
	within := map[string]bool{"#": true}
	var walk func(path string, schema map[string]any)
	walk = func(path string, schema map[string]any) {
		schema, by := resolve(root, schema)
		if by != "" {
			if within[by] {
				fields = append(fields, Field{Path: path, Type: "object"}) // a type within itself
				return
			}
			within[by] = true
			defer delete(within, by)
		}

		properties, _ := schema["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			if inner, ok := properties[name].(map[string]any); ok {
				walk(path+"/"+escape(name), inner)
			}
		}
		if items, ok := schema["items"].(map[string]any); ok && len(properties) == 0 {
			if inner, _ := resolve(root, items); inner["properties"] != nil {
				walk(path+"/*", items)
				return
			}
		}
		if path == "" || len(properties) > 0 {
			return
		}
		field := Field{Path: path, Default: plain(schema["default"])}
		for _, t := range typesOf(schema) {
			if t != "null" && schema["type"] != nil {
				field.Type = t
			}
		}
		if values, ok := schema["enum"].([]any); ok {
			for _, v := range values {
				field.Enum = append(field.Enum, plain(v))
			}
		}
		fields = append(fields, field)
	}
	walk("", root)
	return fields
}

// plain makes integers of numbers that are, as rows have them.
func plain(value any) any {
	if number, ok := value.(json.Number); ok {
		if n, err := number.Int64(); err == nil {
			return n
		}
	}
	return value
}
