package manifest

import (
	"encoding/json"
	"reflect"
	"strings"
)

// ownsField reports whether a fieldsV1 set owns the value that the trail leads to.
// The format is that of server-side apply: "f:name" for a field, "k:{…}" for the
// element of a list that has these keys, "v:…" for an element of a set. An empty
// set owns everything below it.
func ownsField(set map[string]any, way trail) bool {
	for _, p := range way {
		if len(set) == 0 {
			return true
		}
		var next any
		var ok bool
		switch container := p.container.(type) {
		case []any:
			next, ok = ownedElement(set, container[p.index])
		default:
			next, ok = set["f:"+p.key]
		}
		if !ok {
			return false
		}
		set, _ = next.(map[string]any)
	}
	return true
}

func ownedElement(set map[string]any, element any) (any, bool) {
	for key, below := range set {
		switch {
		case strings.HasPrefix(key, "k:"):
			var identity map[string]any
			if json.Unmarshal([]byte(key[2:]), &identity) != nil {
				continue
			}
			if fields, ok := element.(map[string]any); ok && hasAll(fields, identity) {
				return below, true
			}
		case strings.HasPrefix(key, "v:"):
			var value any
			if json.Unmarshal([]byte(key[2:]), &value) == nil && sameJSON(element, value) {
				return below, true
			}
		}
	}
	return nil, false
}

func hasAll(fields, identity map[string]any) bool {
	for key, want := range identity {
		got, ok := fields[key]
		if !ok || !sameJSON(got, want) {
			return false
		}
	}
	return true
}

// sameJSON compares a value of an object, where integers are int64, with one
// that encoding/json decoded, where they are float64.
func sameJSON(ours, decoded any) bool {
	if n, ok := ours.(int64); ok {
		f, ok := decoded.(float64)
		return ok && f == float64(n)
	}
	return reflect.DeepEqual(ours, decoded)
}
