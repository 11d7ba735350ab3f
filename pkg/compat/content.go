package compat

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Objects are unstructured: maps, slices and JSON scalars. The functions here
// read and write them without trusting their shape. A missing or misshapen value
// reads as the zero value; the server, not this package, refuses bad objects.

// clone copies a value deeply. Scalars are shared; they are immutable. A nil map or
// list becomes null, as JSON has it: nothing can be written to it by mistake.
func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if v == nil {
			return nil
		}
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = clone(item)
		}
		return out

	case []any:
		if v == nil {
			return nil
		}
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = clone(item)
		}
		return out
	default:
		return value
	}
}

func cloneObject(obj map[string]any) map[string]any {
	out, _ := clone(obj).(map[string]any)
	return out
}

func valueAt(m map[string]any, path ...string) (any, bool) {
	for _, key := range path[:len(path)-1] {
		m, _ = m[key].(map[string]any)
	}
	value, ok := m[path[len(path)-1]]
	return value, ok && value != nil
}

func mapAt(m map[string]any, path ...string) map[string]any {
	value, _ := valueAt(m, path...)
	out, _ := value.(map[string]any)
	return out
}

func listAt(m map[string]any, path ...string) []any {
	value, _ := valueAt(m, path...)
	out, _ := value.([]any)
	return out
}

func stringAt(m map[string]any, path ...string) string {
	value, _ := valueAt(m, path...)
	out, _ := value.(string)
	return out
}

// intAt reads an integer in any of the forms that decoders give it.
func intAt(m map[string]any, path ...string) (int64, bool) {
	value, ok := valueAt(m, path...)
	if !ok {
		return 0, false
	}
	return asInt(value)
}

func asInt(value any) (int64, bool) {
	switch v := value.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case int32:
		return int64(v), true
	case float64:
		return int64(v), v == float64(int64(v))
	default:
		return 0, false
	}
}

// makeMap returns the map at the path, made where it is missing.
func makeMap(m map[string]any, path ...string) map[string]any {
	for _, key := range path {
		next, ok := m[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[key] = next
		}
		m = next
	}
	return m
}

// take removes the value at the path and returns it.
func take(m map[string]any, path ...string) (any, bool) {
	for _, key := range path[:len(path)-1] {
		m, _ = m[key].(map[string]any)
	}
	key := path[len(path)-1]
	value, ok := m[key]
	delete(m, key)
	return value, ok && value != nil
}

// eachMap calls f for every map in the list, with its path.
func eachMap(list []any, path string, f func(item map[string]any, path string)) {
	for i, value := range list {
		if item, ok := value.(map[string]any); ok {
			f(item, fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

// stringList reads a list of strings, skipping what is none.
func stringList(list []any) []string {
	out := make([]string, 0, len(list))
	for _, value := range list {
		if s, ok := value.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func anyList(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func annotationPath(prefix, key string) string {
	return strings.TrimPrefix(prefix+".metadata.annotations["+key+"]", ".")
}

// deleteAnnotation removes an annotation, and the map of annotations with the
// last one: a server keeps no empty map there, so an object that had one
// would never be equal to what is live.
func deleteAnnotation(of map[string]any, key string) {
	annotations := mapAt(of, "metadata", "annotations")
	delete(annotations, key)
	if len(annotations) == 0 {
		delete(mapAt(of, "metadata"), "annotations")
	}
}
