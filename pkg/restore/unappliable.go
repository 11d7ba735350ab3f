package restore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// keyedList is a list that servers take with two elements of one key, and server-side apply
// does not (duplicate.go).
type keyedList struct {
	field string
	keys  []string
	// absent is what a key means that is not there.
	absent string
}

// keyedLists are the lists of built-in kinds whose validation allows two elements of one key
// (k8s.io/api, fields marked patchMergeKey or listMapKey).
var keyedLists = []keyedList{
	{field: "env", keys: []string{"name"}},
	{field: "imagePullSecrets", keys: []string{"name"}},
	{field: "hostAliases", keys: []string{"ip"}},
	{field: "ports", keys: []string{"containerPort", "protocol"}, absent: "TCP"},
	{field: "ports", keys: []string{"port", "protocol"}, absent: "TCP"},
}

// longestYAMLKey is where the YAML reader of a server ends.
const longestYAMLKey = 1024

// unappliable says why server-side apply would refuse an object in the form that other tools
// send it in, "" if it would not. Only a server knows all reasons; these are the known ones.
func unappliable(value any) string {
	switch v := value.(type) {
	case string:
		if strings.ContainsFunc(v, unwelcome) {
			return "server-side apply reads a request as YAML, which has no control characters such as it holds"
		}
	case []any:
		for _, element := range v {
			if why := unappliable(element); why != "" {
				return why
			}
		}
	case map[string]any:
		return unappliableMap(v)
	}
	return ""
}

func unappliableMap(v map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if utf8.RuneCountInString(key) > longestYAMLKey {
			return fmt.Sprintf("server-side apply reads a request as YAML, whose keys have at most %d characters", longestYAMLKey)
		}
		if why := unappliable(key); why != "" {
			return why
		}
		if list, isList := v[key].([]any); isList && sharesKey(key, list) {
			return fmt.Sprintf("server-side apply refuses two elements of one key in %s", key)
		}
		if why := unappliable(v[key]); why != "" {
			return why
		}
	}
	return ""
}

// sharesKey reports whether two elements of a list have one key.
func sharesKey(field string, list []any) bool {
	for _, keyed := range keyedLists {
		seen := make(map[string]bool, len(list))
		for _, element := range list {
			fields, _ := element.(map[string]any)
			if keyed.field != field || fields[keyed.keys[0]] == nil {
				continue
			}
			key := ""
			for _, name := range keyed.keys {
				part := keyed.absent
				if fields[name] != nil {
					part = fmt.Sprint(fields[name])
				}
				key += fmt.Sprintf("%q ", part)
			}
			if seen[key] {
				return true
			}
			seen[key] = true
		}
	}
	return false
}
