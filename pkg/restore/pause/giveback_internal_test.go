package pause

import (
	"testing"

	"github.com/appbur/appbur"
)

func managed(entries ...map[string]any) map[string]any {
	list := make([]any, 0, len(entries))
	for _, entry := range entries {
		list = append(list, entry)
	}
	return map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"managedFields": list}}
}

func entry(manager, time, subresource string) map[string]any {
	e := map[string]any{"manager": manager, "operation": "Update", "time": time}
	if subresource != "" {
		e["subresource"] = subresource
	}
	return e
}

// What a controller says of the status meanwhile keeps nobody from getting their fields back; what somebody else has written does.
func TestWhoHasWrittenInBetween(t *testing.T) {
	user, status := entry("kubectl", "1", ""), entry("kube-controller-manager", "2", "status")
	before := managed(user, status)
	for name, c := range map[string]struct {
		current map[string]any
		only    bool
	}{
		"nobody":             {managed(user, status, entry("appbur", "3", "")), true},
		"the status":         {managed(user, entry("kube-controller-manager", "3", "status"), entry("appbur", "3", "")), true},
		"the same once more": {managed(entry("kubectl", "3", ""), status, entry("appbur", "3", "")), false},
		"somebody new":       {managed(user, status, entry("appbur", "3", ""), entry("flux", "3", "")), false},
	} {
		if got := onlyWeWrote(before, c.current); got != c.only {
			t.Errorf("%s: %t", name, got)
		}
	}

	current := managed(user, entry("kube-controller-manager", "3", "status"), entry("appbur", "3", ""))
	patch := owners(appbur.ObjectID{Kind: "Deployment", Namespace: "a", Name: "b"}, before, current, "7")
	got := managers(patch)
	if len(got) != 2 || !same(got[0], user) || !same(got[1], entry("kube-controller-manager", "3", "status")) {
		t.Errorf("managers are %v", got)
	}
}
