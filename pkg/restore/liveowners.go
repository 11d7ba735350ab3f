package restore

import (
	"encoding/json"
	"slices"
)

// withLiveOwners returns the content with the owner references of a live object where these
// name the same owners and another manager holds them: its controller. The version of the
// owner's kind, the flags and the order are the controller's, and so are references on top.
// A restore says who the owners are, and fights over nothing else.
func withLiveOwners(content, live map[string]any) map[string]any {
	planned := list(content, "metadata", "ownerReferences")
	if len(planned) == 0 {
		return content
	}
	adopted := slices.Clone(planned)
	for i, reference := range planned {
		if is, ok := ownerByUID(live, text(reference, "uid")); ok && heldByOthers(live, text(reference, "uid")) {
			adopted[i] = is
		}
	}
	return with(content, adopted, "metadata", "ownerReferences")
}

// ownerByUID finds the owner reference that has a uid.
func ownerByUID(object map[string]any, uid string) (any, bool) {
	references := list(object, "metadata", "ownerReferences")
	i := slices.IndexFunc(references, func(r any) bool { return text(r, "uid") == uid })
	if i < 0 || uid == "" {
		return nil, false
	}
	return references[i], true
}

// heldByOthers reports whether a manager that is not appbur has the owner reference of a
// uid. An object without any record of managers is nobody's, and then it is not ours.
func heldByOthers(object map[string]any, uid string) bool {
	entries := list(object, "metadata", "managedFields")
	if len(entries) == 0 {
		return true
	}
	for _, entry := range entries {
		if text(entry, "manager") == FieldManager {
			continue
		}
		for key := range dict(entry, "fieldsV1", "f:metadata", "f:ownerReferences") {
			if len(key) > 2 && key[:2] == "k:" && keyUID(key[2:]) == uid {
				return true
			}
		}
	}
	return false
}

// keyUID reads the key of an owner reference in managedFields: {"uid":"…"}.
func keyUID(key string) string {
	var keys struct {
		UID string `json:"uid"`
	}
	if json.Unmarshal([]byte(key), &keys) != nil {
		return ""
	}
	return keys.UID
}
