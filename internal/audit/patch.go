package audit

import (
	"encoding/json"
	"strings"
)

// readPatch returns the version that a patch insists to replace, "" for none, and whether it takes fields away. It is a
// JSON patch, a merge patch, a strategic merge patch or what is applied; the event does not say which.
func readPatch(text json.RawMessage) (replaced string, removes bool) {
	var operations []struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	if json.Unmarshal(text, &operations) == nil {
		for _, o := range operations {
			if version, ok := o.Value.(string); ok && o.Path == "/metadata/resourceVersion" && (o.Op == "test" || o.Op == "replace") {
				replaced = version
			}
			removes = removes || o.Op == "remove"
		}
		return notAny(replaced), removes
	}

	var merge map[string]any
	if json.Unmarshal(text, &merge) != nil {
		return "", false
	}
	metadata, _ := merge["metadata"].(map[string]any)
	replaced, _ = metadata["resourceVersion"].(string)
	return notAny(replaced), takesAway(merge)
}

// notAny is a version; "0" stands for any.
func notAny(version string) string {
	if version == "0" {
		return ""
	}
	return version
}

// takesAway reports whether a merge patch has a null or a directive that deletes.
func takesAway(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case []any:
		for _, item := range value {
			if takesAway(item) {
				return true
			}
		}
	case map[string]any:
		for key, item := range value {
			if takesAway(item) || strings.HasPrefix(key, "$deleteFromPrimitiveList/") || key == "$patch" && item == "delete" {
				return true
			}
		}
	}
	return false
}
