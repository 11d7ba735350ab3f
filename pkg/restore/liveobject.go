package restore

import (
	"bytes"
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
		ManagedFields []json.RawMessage `json:"managedFields"`
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
		id.addOwner(owner.UID)
	}
	for _, raw := range o.Metadata.ManagedFields {
		var entry managedEntry
		if !bytes.Contains(raw, []byte(FieldManager)) || json.Unmarshal(raw, &entry) != nil {
			continue // most entries are of others, and long
		}
		id.add(entry)
	}

	return id
}

func (id *Identity) addOwner(uid string) { id.Owners = strings.TrimSpace(id.Owners + " " + uid) }

// add takes in what an entry says of us.
func (id *Identity) add(entry managedEntry) {
	if entry.Manager != FieldManager {
		return
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

// identityOf is identity of an object that was read completely.
func identityOf(live map[string]any) Identity {
	id := Identity{
		UID: text(live, "metadata", "uid"), ResourceVersion: text(live, "metadata", "resourceVersion"),
		Terminating: text(live, "metadata", "deletionTimestamp") != "",
	}
	for _, owner := range list(live, "metadata", "ownerReferences") {
		id.addOwner(text(owner, "uid"))
	}
	for _, entry := range list(live, "metadata", "managedFields") {
		if text(entry, "manager") != FieldManager {
			continue
		}
		fields, err := json.Marshal(field(entry, "fieldsV1"))
		if err != nil {
			continue
		}
		id.add(managedEntry{
			Manager: FieldManager, Operation: text(entry, "operation"), Time: text(entry, "time"), Subresource: text(entry, "subresource"),
			Fields: fields,
		})
	}
	return id
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
