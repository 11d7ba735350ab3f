package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// UIDsInside returns the paths of the uids that a manifest still holds, sorted. Rules
// know where Kubernetes itself keeps the uids of other objects; what a custom
// resource calls so in its own fields, such as spec.ref.uid, only its controller
// understands. It stays as it is, and means nothing in a cluster in which the objects
// are created again.
func UIDsInside(content map[string]any) []string {
	return uidsBelow(content, "", nil)
}

func uidsBelow(value any, path string, found []string) []string {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below := strings.TrimPrefix(path+"."+key, ".")
			if text, ok := v[key].(string); ok && namesUID(key) && isUUID(text) {
				found = append(found, below)
				continue
			}
			found = uidsBelow(v[key], below, found)
		}
	case []any:
		for i, element := range v {
			found = uidsBelow(element, fmt.Sprintf("%s[%d]", path, i), found)
		}
	}
	return found
}

// namesUID reports whether a field is called a uid: uid, ownerUID, owner-uid,
// example.org/owner-uid.
func namesUID(key string) bool {
	return strings.HasSuffix(strings.ToLower(key), "uid") && !strings.HasSuffix(strings.ToLower(key), "uuid")
}

// isUUID reports whether a text has the form that API servers give uids (RFC 4122).
func isUUID(text string) bool {
	const form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(text) != len(form) {
		return false
	}
	for i := range len(form) {
		dash := form[i] == '-'
		if dash != (text[i] == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(text[i])) {
			return false
		}
	}
	return true
}
