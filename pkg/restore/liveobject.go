package restore

import (
	"encoding/json"
	"strings"

	"github.com/appbur/appbur"
)

// liveObject is the part of an answer that a restore reads.
type liveObject struct {
	Metadata struct {
		Namespace         string  `json:"namespace"`
		Name              string  `json:"name"`
		UID               string  `json:"uid"`
		ResourceVersion   string  `json:"resourceVersion"`
		DeletionTimestamp *string `json:"deletionTimestamp"`
		OwnerReferences   []struct {
			UID string `json:"uid"`
		} `json:"ownerReferences"`
		ManagedFields []managedEntry `json:"managedFields"`
	} `json:"metadata"`
}

// managedEntry is one entry of metadata.managedFields.
type managedEntry struct {
	Manager     string          `json:"manager"`
	Operation   string          `json:"operation"`
	Time        string          `json:"time"`
	Subresource string          `json:"subresource"`
	Fields      json.RawMessage `json:"fieldsV1"`
}

func (o liveObject) identity() Identity {
	id := Identity{
		UID:             o.Metadata.UID,
		ResourceVersion: o.Metadata.ResourceVersion,
		Terminating:     o.Metadata.DeletionTimestamp != nil,
	}

	for _, owner := range o.Metadata.OwnerReferences {
		id.Owners = strings.TrimSpace(id.Owners + " " + owner.UID)
	}
	for _, entry := range o.Metadata.ManagedFields {
		if entry.Manager != FieldManager {
			continue
		}
		// The server moves the time of an entry only when a write changed something.
		stamp := entry.Operation + " " + entry.Time + " " + appbur.DigestOf(entry.Fields).Short()
		switch entry.Subresource {
		case "":
			id.Applied += stamp
		case "status":
			id.AppliedStatus += stamp
		}
	}

	return id
}

// identityOf is identity of an object that was read completely.
func identityOf(live map[string]any) Identity {
	var o liveObject
	if data, err := json.Marshal(live); err != nil || json.Unmarshal(data, &o) != nil {
		return Identity{UID: text(live, "metadata", "uid"), ResourceVersion: text(live, "metadata", "resourceVersion")}
	}
	return o.identity()
}

// apiRoot is the path below which a group version is served.
func apiRoot(apiVersion string) []string {
	if groupOf(apiVersion) == "" {
		return []string{"/api", apiVersion}
	}
	return append([]string{"/apis"}, strings.Split(apiVersion, "/")...)
}

// isTopLevel distinguishes a resource from a subresource such as "pods/log".
func isTopLevel(resource string) bool { return !strings.Contains(resource, "/") }
