package audit

import "testing"

// A patch that changes nothing is answered with the version of somebody else, of whom no event may have come. The field
// manager of the patch proves it only by an entry that the version before did not have.
func TestAnEntryOfTheVersionBeforeProvesNothing(t *testing.T) {
	withVersion := func(f *Fact) { f.ResourceVersion = "7" }
	for _, test := range []struct {
		name   string
		before []Manager
		fact   Fact
		proven bool
	}{
		{"an entry of the version before", []Manager{update("kubectl", 10)}, write("1", 10.3, withVersion), false},
		{"a new one", []Manager{update("kubectl", 9)}, write("1", 10.3, withVersion), true},
		{"a new one, beside others", []Manager{update("flux", 10)}, write("1", 10.3, withVersion), true},
	} {
		ledger := NewLedger(Limits{}, noon)
		ledger.Add(test.fact)
		ledger.Who(change(Modified, "6", 10.1, test.before...))
		facts, proven := ledger.Who(change(Modified, "7", 10.4, update("kubectl", 10)))
		if proven != test.proven {
			t.Errorf("%s: %v, proven %t", test.name, ids(facts), proven)
		}
	}
}
