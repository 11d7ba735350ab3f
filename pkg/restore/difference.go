package restore

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/appbur/appbur"
)

// difference is a place where a live object is not as it should be.
type difference struct {
	path []string
	what string
}

// differences returns where live does not have what want has. Live may have more
// fields, because a newer server sets defaults that the source did not know; its
// lists must have the same elements in the same order, each compared the same way.
func differences(want, live any) []difference {
	var found []difference
	compare(nil, want, live, &found)
	return found
}

func compare(path []string, want, live any, found *[]difference) {
	switch w := want.(type) {
	case nil:
		return // null requires nothing
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			report(path, want, live, found)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(w)) {
			compare(child(path, key), w[key], l[key], found)
		}

	case []any:
		l, ok := live.([]any)
		if key, isSet := setOf(path); ok && isSet {
			compareSet(path, key, w, l, found)
			return
		}
		if !ok || len(l) != len(w) {
			report(path, want, live, found)
			return
		}
		for i := range w {
			compare(child(path, strconv.Itoa(i)), w[i], l[i], found)
		}
	default:
		if !equalScalar(want, live) {
			report(path, want, live, found)
		}
	}
}

// setOf names the lists of every object in which others may add elements, in whatever order,
// and the key by which an element is known; "" where the element is its own key.
func setOf(path []string) (key string, ok bool) {
	if len(path) != 2 || path[0] != "metadata" {
		return "", false
	}
	switch path[1] {
	case "ownerReferences":
		return "uid", true
	case "finalizers":
		return "", true
	}
	return "", false
}

// compareSet compares a list as the server merges it: what live has on top is no difference.
func compareSet(path []string, key string, want, live []any, found *[]difference) {
	for i, w := range want {
		at := slices.IndexFunc(live, func(l any) bool {
			if key == "" {
				return len(differences(w, l)) == 0
			}
			return text(w, key) == text(l, key)
		})
		if at < 0 {
			report(child(path, strconv.Itoa(i)), w, nil, found)
			continue
		}
		compare(child(path, strconv.Itoa(i)), w, live[at], found)
	}
}

func report(path []string, want, live any, found *[]difference) {
	what := fmt.Sprintf("should be %s, is %s", short(want), short(live))
	if live == nil {
		what = fmt.Sprintf("should be %s, is missing", short(want))
	}
	*found = append(*found, difference{path: path, what: what})
}

func equalScalar(a, b any) bool {
	if x, ok := number64(a); ok {
		y, ok := number64(b)
		return ok && x == y
	}
	return a == b
}

func number64(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	case int:
		return float64(n), true
	}
	return 0, false
}

// additions calls emit with the path of every field that is in live and not in want.
func additions(path []string, want, live any, emit func(path []string)) {
	switch l := live.(type) {
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(l)) {
			inner := child(path, key)
			if value, ok := w[key]; ok {
				additions(inner, value, l[key], emit)
			} else {
				emit(inner)
			}
		}

	case []any:
		w, ok := want.([]any)
		if !ok {
			return
		}
		for i := range min(len(l), len(w)) {
			additions(child(path, strconv.Itoa(i)), w[i], l[i], emit)
		}
	}
}

// child returns a path of its own: the paths of siblings must not share memory.
func child(path []string, key string) []string {
	return append(slices.Clone(path), key)
}

// formatPath writes a path as people do: spec.ports[0].port.
func formatPath(path []string) string {
	at := ""
	for _, key := range path {
		if isOrdinal(key) {
			at += "[" + key + "]"
		} else {
			at = appbur.JoinKey(at, key)
		}
	}
	return at
}

// has reports whether value has something at path.
func has(value any, path []string) bool {
	for _, key := range path {
		switch v := value.(type) {
		case map[string]any:
			inner, ok := v[key]
			if !ok {
				return false
			}
			value = inner
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(v) {
				return false
			}
			value = v[i]
		default:
			return false
		}
	}

	return true
}

// short writes a value for a message.
func short(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	const most = 80
	if text := []rune(string(data)); len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(data)
}
