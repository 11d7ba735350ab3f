package manifest

// Revision names the write that made an object what it is, or that deleted it. Manifests have nothing of
// it, because it is true in one cluster only; who wants to know who made a change asks by it.
type Revision struct {
	// UID is the identity of the object in its cluster.
	UID string
	// ResourceVersion is the version that the write made.
	ResourceVersion string
	// Event is the event of a watch that brought it, ADDED, MODIFIED or DELETED: then that write alone lies between
	// what was seen of the object before and this. It is "" of what is found in a list, to which several writes may
	// have led.
	Event string
}

// RevisionOf reads the revision of a live object; what is not there is empty.
func RevisionOf(obj map[string]any) Revision {
	metadata, _ := obj["metadata"].(map[string]any)
	var r Revision
	r.UID, _ = metadata["uid"].(string)
	r.ResourceVersion, _ = metadata["resourceVersion"].(string)
	return r
}
