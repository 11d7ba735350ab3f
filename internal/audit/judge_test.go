package audit

import "testing"

// A patch that changes nothing is answered with the version of somebody else, of whom no event may have come. Where a
// version has an entry that the one before did not have, that one says whose it is.
func TestANewEntrySaysWhoWrote(t *testing.T) {
	patch := func(id string, received float64) Fact {
		return write(id, received, func(f *Fact) { f.ResourceVersion = "7" })
	}
	byBob := patch("2", 10.31)
	byBob.User = "bob"
	kubectl, flux := update("kubectl", 10), update("flux", 10)

	for _, test := range []struct {
		name        string
		before, now []Manager
		facts       []Fact
		proven      bool
	}{
		{"a new entry", []Manager{update("kubectl", 9)}, []Manager{kubectl}, []Fact{patch("1", 10.3)}, true},
		{"a new entry beside one of the same second", []Manager{flux}, []Manager{flux, kubectl}, []Fact{patch("1", 10.3)}, true},
		{"the new entry is of another one", []Manager{kubectl}, []Manager{kubectl, flux}, []Fact{patch("1", 10.3)}, false},
		{"the second write of a second", []Manager{kubectl}, []Manager{kubectl}, []Fact{patch("1", 10.3)}, true},
		{"the second write of a second, by one of two", []Manager{kubectl}, []Manager{kubectl}, []Fact{patch("1", 10.3), byBob}, false},
		{"an entry of long ago", []Manager{update("kubectl", 2)}, []Manager{update("kubectl", 2)}, []Fact{patch("1", 10.3)}, false},
	} {
		ledger := NewLedger(Limits{}, noon)
		ledger.Add(test.facts...)
		ledger.Who(change(Modified, "6", 10.1, test.before...))
		if facts, proven := ledger.Who(change(Modified, "7", 10.4, test.now...)); proven != test.proven {
			t.Errorf("%s: %v, proven %t", test.name, ids(facts), proven)
		}
	}
}
