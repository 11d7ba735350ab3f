package manifest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
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

// TestUIDPlaces reports a thousand objects of a kind in one line.
func TestUIDPlaces(t *testing.T) {
	const uid = "0f8fad5b-d9cb-469f-a165-70867728950e"
	var places UIDPlaces
	for _, name := range []string{"b", "a", "c"} {
		content := map[string]any{"spec": map[string]any{"refs": []any{map[string]any{"uid": uid}, map[string]any{"uid": uid}}}}
		if name == "c" {
			content["spec"].(map[string]any)["uid"] = uid
		}
		places.Add(appbur.ObjectID{Group: "example.org", Kind: "Widget", Namespace: "n", Name: name}, content)
	}
	places.Add(appbur.ObjectID{Kind: "ConfigMap", Namespace: "n", Name: "none"}, map[string]any{"data": map[string]any{"a": "b"}})

	widget := appbur.GroupKind{Group: "example.org", Kind: "Widget"}
	want := []UIDPlace{
		{widget, "spec.refs[].uid", 3, appbur.ObjectID{Group: "example.org", Kind: "Widget", Namespace: "n", Name: "a"}},
		{widget, "spec.uid", 1, appbur.ObjectID{Group: "example.org", Kind: "Widget", Namespace: "n", Name: "c"}},
	}
	if diff := cmp.Diff(want, places.List()); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}
