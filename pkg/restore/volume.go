package restore

import "github.com/appbur/appbur"

// shapeVolume decides what a restored volume waits for. One that was bound waits for
// its claim by name, and takes the claim that the same restore makes. One whose
// claim is not the claim of the point was released: the claim is gone, its data are
// still there, and a new claim of the same name must not get them. The uid of the
// claim that is gone keeps the volume released, as it was.
func shapeVolume(content map[string]any, in shaping) (map[string]any, error) {
	content = without(content, "spec", "claimRef", "resourceVersion")
	var uid string
	if _, err := in.entry.Field("spec.claimRef.uid", &uid); err != nil {
		return nil, err
	}
	claim := appbur.ObjectID{
		Kind:      kindClaim.Kind,
		Namespace: text(content, "spec", "claimRef", "namespace"), Name: text(content, "spec", "claimRef", "name"),
	}
	if uid == "" || dict(content, "spec", "claimRef") == nil || in.has(claim) && in.uid(claim) == uid {
		return without(content, "spec", "claimRef", "uid"), nil
	}

	content = with(content, uid, "spec", "claimRef", "uid")
	in.note(NoteVolume, "the claim %s that it belonged to is gone: it stays released, and no new claim gets its data; "+
		"remove spec.claimRef to give it away", claim)

	if policy := text(content, "spec", "persistentVolumeReclaimPolicy"); policy != "Retain" && policy != "" {
		content = with(content, "Retain", "spec", "persistentVolumeReclaimPolicy")
		in.note(NoteVolume, "its reclaim policy becomes Retain: with %s the target would delete the data of a released volume", policy)
	}
	return content, nil
}
