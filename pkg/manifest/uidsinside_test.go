package manifest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUIDsInside(t *testing.T) {
	const uid = "0f8fad5b-d9cb-469f-a165-70867728950e"
	got := UIDsInside(map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{"example.org/owner-uid": uid}},
		"spec": map[string]any{
			"ref": map[string]any{"name": "a", "uid": uid}, "claims": []any{map[string]any{"claimUID": uid}},
			"uid": "1000", "runAsUid": int64(1000), "systemUUID": uid, "id": uid,
		},
	})
	if diff := cmp.Diff([]string{"metadata.annotations.example.org/owner-uid", "spec.claims[0].claimUID", "spec.ref.uid"}, got); diff != "" {
		t.Errorf("uids (-want +got):\n%s", diff)
	}
}
