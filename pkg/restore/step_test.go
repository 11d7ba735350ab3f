package restore

import (
	"encoding/json"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// A step is one flat document, wherever its fields are in memory: programs read it, and the digest of a
// saved plan is made of it.
func TestAStepIsOneDocument(t *testing.T) {
	id := appbur.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "n", Name: "a"}
	digest := appbur.DigestOf([]byte("x"))
	full := Step{
		ID: 7, Action: ActionApply, Object: id, APIVersion: "apps/v1", Verdict: "converted", Phase: 2, Why: "w",
		After: []int{1, 2}, Needs: []int{1}, Digest: digest,
		details: &StepDetails{
			From: "apps/v1beta2", Changes: []compat.Change{{Rule: "r", Path: "spec", What: "c"}},
			Notices:  []compat.Change{{Rule: "r", Path: "spec", What: "n"}},
			Refusals: []compat.Refusal{{Path: "spec", What: "r"}}, Rewritten: []compat.Change{{Rule: "r", Path: "spec", What: "m"}}, Hint: "h",
			Owners: []Owner{{Object: id, APIVersion: "apps/v1", Late: true}}, Managers: []string{"m"},
			Replaces: &Replacement{UID: "u", Why: "immutable"}, UID: "v",
		},
	}
	for name, c := range map[string]struct {
		step Step
		want string
	}{
		"without details": {Step{ID: 1, Action: ActionBarrier, Why: "w"}, `{"id":1,"action":"barrier","why":"w"}`},
		"with all of them": {full, `{"id":7,"action":"apply","object":"Deployment.apps/n/a","apiVersion":"apps/v1","from":"apps/v1beta2",` +
			`"verdict":"converted","changes":[{"rule":"r","path":"spec","what":"c"}],"notices":[{"rule":"r","path":"spec","what":"n"}],` +
			`"refusals":[{"path":"spec","what":"r"}],"rewritten":[{"rule":"r","path":"spec","what":"m"}],"phase":2,"why":"w","hint":"h",` +
			`"after":[1,2],"needs":[1],"owners":[{"object":"Deployment.apps/n/a","apiVersion":"apps/v1","late":true}],"managers":["m"],` +
			`"replaces":{"uid":"u","why":"immutable"},"uid":"v","digest":"` + digest.String() + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(&c.step)
			if err != nil || string(got) != c.want {
				t.Fatalf("got  %s\nwant %s (%v)", got, c.want, err)
			}
			var read Step
			if err := json.Unmarshal(got, &read); err != nil {
				t.Fatal(err)
			}
			if again, err := json.Marshal(read); err != nil || string(again) != c.want {
				t.Errorf("read and written again it is %s (%v)", again, err)
			}
			if (read.details == nil) != (c.step.details == nil) {
				t.Errorf("details are kept where there are none, or the other way round")
			}
		})
	}
}
