package restore

import "testing"

// Who calls the library has its own words for the cure of some failures; the others keep
// the general ones.
func TestHintOfTheCaller(t *testing.T) {
	cluster := newFaultyCluster()
	cluster.fault = func(r Request, _ int) error {
		if r.Object.String() == faultySet && !r.Status {
			return fieldConflict()
		}
		return nil
	}
	plan := fleetPlan(t)

	for name, test := range map[string]struct {
		hint func(error) string
		want string
	}{
		"no words":           {nil, hintFor(fieldConflict())},
		"words for others":   {func(error) string { return "" }, hintFor(fieldConflict())},
		"words for this one": {func(err error) string { return string(FailureOf(err)) }, "foreign fields"},
	} {
		report, _ := Applier{Cluster: cluster, Hint: test.hint}.Apply(t.Context(), plan)
		if o := outcomeOf(t, report, faultySet); o.Hint != test.want || o.Hint == "" {
			t.Errorf("%s: hint %q, want %q", name, o.Hint, test.want)
		}
	}
}
