package restore

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

// Of a step that ended well only that is kept, once no other step asks for its object; the outcome
// of the object says the same.
func TestOnlyWhatIsSaidOfAStepIsKept(t *testing.T) {
	self := Identity{UID: "u", ResourceVersion: "7", Applied: "Update"}
	for name, c := range map[string]struct {
		result stepResult
		asked  bool
		kept   bool
	}{
		"unchanged":                  {stepResult{result: Unchanged, identity: self}, false, false},
		"created":                    {stepResult{result: Created, identity: self, requests: 1}, false, false},
		"waited for":                 {stepResult{}, false, false},
		"created, and others ask":    {stepResult{result: Created, identity: self}, true, true},
		"created at the second try":  {stepResult{result: Created, identity: self, requests: 2}, false, true},
		"failed":                     {stepResult{result: Failed, err: errors.New("refused")}, false, true},
		"skipped":                    {stepResult{result: Skipped, note: "why", hint: "what to do"}, false, true},
		"left in the form of before": {stepResult{result: Unchanged, identity: self, asSaved: true}, false, true},
		"created in a dry run":       {stepResult{result: Created, unchecked: true}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			step := &Step{ID: 1, Action: ActionApply, Object: appbur.ObjectID{Kind: "ConfigMap", Name: "a"}}
			results := make(finished, 2)
			if results.of(step) != nil {
				t.Error("a step is finished that was not run")
			}

			result := c.result
			result.step = step
			results.put(&result, c.asked)
			if kept := results.of(step) == &result; kept != c.kept {
				t.Errorf("kept as it is: %t, want %t", kept, c.kept)
			}
			hint := func(error) string { return "hint" }
			var want, got Outcome
			want.join(&result, hint)
			got.join(results.of(step), hint)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the outcome is another one (-want +got):\n%s", diff)
			}
		})
	}
}

// An owner is known as long as something that it owns is not restored yet.
func TestAnOwnerIsKnownUntilAllThatItOwnsIsThere(t *testing.T) {
	id := func(name string) appbur.ObjectID {
		return appbur.ObjectID{Kind: "ConfigMap", Namespace: "n", Name: name}
	}
	plan := &Plan{Steps: []*Step{
		{ID: 1, Action: ActionApply, Object: id("owner")},
		{ID: 2, Action: ActionApply, Object: id("first"), After: []int{1}},
		{ID: 3, Action: ActionApply, Object: id("second"), After: []int{1}},
		{ID: 4, Action: ActionBarrier, After: []int{2, 3}},
	}}
	r := newRun(Applier{}, plan)
	end := func(place int) {
		step := plan.Steps[place-1]
		r.finish(&stepResult{step: step, result: Created, identity: Identity{UID: "uid of " + step.Object.Name}})
	}

	end(1)
	for place := 2; place <= 3; place++ {
		if got := r.identities(plan.Steps[place-1]).owners[id("owner")].UID; got != "uid of owner" {
			t.Errorf("step %d finds the owner with the uid %q", place, got)
		}
		if r.results[1].full == nil {
			t.Errorf("before step %d the owner is forgotten", place)
		}
		end(place)
	}
	for place := 1; place <= 3; place++ {
		if r.results[place].full != nil {
			t.Errorf("step %d is kept although nothing asks for it", place)
		}
	}
	outcomes, remaining := r.outcomes()
	for _, o := range outcomes {
		if o.UID != "uid of "+o.Object.Name || o.Result != Created {
			t.Errorf("%s is %s with the uid %q", o.Object, o.Result, o.UID)
		}
	}
	if len(outcomes) != 3 || remaining != 0 {
		t.Errorf("got %d outcomes, and %d objects to go", len(outcomes), remaining)
	}
}
