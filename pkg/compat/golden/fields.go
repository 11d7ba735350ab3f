package golden

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Field is one field of the rows of a schema.
type Field struct {
	// Path is a JSON pointer; * stands for every element of a list.
	Path string
	// Type is one of string, integer, number, boolean, array, object and "", if it is not known.
	Type string
	// Default is what the field has where nobody set it, beside the zero value of its type.
	Default any
	// Enum are the only values that it takes, if it takes only some.
	Enum []any
}

// Shape is what is known of the rows of one schema version.
type Shape struct {
	// Source says where the fields were learned.
	Source Source
	Fields []Field
}

// Source is where the fields of a schema were learned.
type Source string

// The sources.
const (
	// FromSchema: a JSON Schema or protobuf descriptor lists them.
	FromSchema Source = "schema"
	// FromRows: nothing lists them, so they are those that rows of the goldens and of the
	// application itself have.
	FromRows Source = "rows"
)

// RowShape learns the fields of rows: of goldens at every depth, of the live state those of the
// top level, because deeper ones may be keys that users choose.
func RowShape(goldens, live []Row) Shape {
	seen := map[string]Field{}
	var walk func(prefix string, value any)
	walk = func(prefix string, value any) {
		switch v := value.(type) {
		case Row:
			for field, inner := range v {
				walk(prefix+"/"+escape(field), inner)
			}
			if len(v) > 0 {
				return
			}
		case []any:
			for _, item := range v {
				if _, isObject := item.(Row); isObject {
					walk(prefix+"/*", item)
				}
			}
		}
		if prefix != "" && seen[prefix].Type == "" {
			seen[prefix] = Field{Path: prefix, Type: typeOf(value)}
		}
	}

	for _, row := range goldens {
		walk("", row)
	}
	deep := slices.Collect(maps.Keys(seen))
	for _, row := range live {
		for field, value := range row {
			if path := "/" + escape(field); !holds(deep, path) && !slices.Contains(deep, path) {
				seen[path] = Field{Path: path, Type: typeOf(value)}
			}
		}
	}

	shape := Shape{Source: FromRows}
	all := slices.Sorted(maps.Keys(seen))
	for _, path := range all {
		if !holds(all, path) { // an object that is empty in one row has fields in another
			shape.Fields = append(shape.Fields, seen[path])
		}
	}
	return shape
}

// holds reports whether some path is within another one.
func holds(paths []string, outer string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, outer+"/") })
}

func typeOf(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case int64:
		return "integer"
	case json.Number, float64:
		return "number"
	case []any:
		return "array"
	case Row:
		return "object"
	}
	return ""
}

// Sets reports whether a row has a value at the field that is not the default.
func (f Field) Sets(row Row) bool {
	return slices.ContainsFunc(values(row, strings.Split(strings.TrimPrefix(f.Path, "/"), "/")), func(v any) bool {
		return !isZero(v) && (f.Default == nil || !Equal(v, f.Default))
	})
}

// values are those at a path, of which * means every element of a list.
func values(value any, path []string) []any {
	if len(path) == 0 {
		return []any{value}
	}
	switch v := value.(type) {
	case Row:
		inner, ok := v[strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])]
		if !ok {
			return nil
		}
		return values(inner, path[1:])
	case []any:
		var all []any
		for _, item := range v {
			if path[0] == "*" {
				all = append(all, values(item, path[1:])...)
			}
		}
		return all
	}
	return nil
}

func isZero(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case int64:
		return v == 0
	case json.Number:
		return Equal(v, json.Number("0")) || v.String() == "-0"
	case []any:
		return len(v) == 0
	case Row:
		return len(v) == 0
	}
	return false
}
