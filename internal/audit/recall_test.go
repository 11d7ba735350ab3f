package audit

import (
	"slices"
	"testing"
	"time"
)

// What one process asked for in vain, another one has answered, with no more than was kept.
func TestAnotherProcessIsAnswered(t *testing.T) {
	patch := func(id, user string, received float64) Fact {
		return write(id, received, func(f *Fact) { f.ResourceVersion, f.User = "7", user })
	}
	replace := func(id, user string, received float64) Fact {
		f := patch(id, user, received)
		f.Verb, f.Replaced, f.Certain = "update", "6", true
		return f
	}
	deletion := func(id string, received float64) Fact {
		return write(id, received, func(f *Fact) { f.Verb, f.Gone = "delete", true })
	}
	kubectl, flux := update("kubectl", 10), update("flux", 10)

	for _, test := range []struct {
		name   string
		before []Manager // nil: nothing was seen before
		change Change
		known  []Fact // to the process that asked
		facts  []Fact
		want   []string
	}{
		{"a new entry", []Manager{flux}, change(Modified, "7", 10.4, flux, kubectl), nil, []Fact{patch("1", "alice", 10.3)}, []string{"1"}},
		{"no new entry", []Manager{kubectl}, change(Modified, "7", 10.4, kubectl), nil, []Fact{patch("1", "alice", 10.3)}, nil},
		{"the version before was not seen", nil, change(Modified, "7", 10.4, kubectl), nil, []Fact{patch("1", "alice", 10.3)}, nil},
		{
			"the new entry is of another one",
			[]Manager{kubectl},
			change(Modified, "7", 10.4, kubectl, flux), nil,
			[]Fact{patch("1", "alice", 10.3)},
			nil,
		},
		{"a created object has new entries only", nil, change(Added, "7", 10.4, kubectl), nil, []Fact{patch("1", "alice", 10.3)}, []string{"1"}},
		{"a request that was certain", nil, change(Modified, "7", 10.4), nil, []Fact{replace("1", "alice", 10.3)}, []string{"1"}},
		{
			"two who may have",
			[]Manager{flux},
			change(Modified, "7", 10.4, kubectl), nil,
			[]Fact{patch("1", "alice", 10.3), patch("2", "bob", 10.31)},
			nil,
		},
		{
			"two who may have, one of whom is forgotten",
			[]Manager{flux},
			change(Modified, "7", 10.4, kubectl),
			[]Fact{patch("1", "alice", 10.3), patch("2", "bob", 10.31)},
			[]Fact{patch("2", "bob", 10.31)},
			nil,
		},
		{"the same version of a store that went back", nil, change(Modified, "7", 10.4), nil, []Fact{replace("1", "bob", 60)}, nil},
		{"a deletion", nil, change(Deleted, "", 10.4), nil, []Fact{deletion("1", 10.3)}, []string{"1"}},
		{"found by a list, and created", nil, change(Listed, "7", 30), nil, []Fact{write("1", 10, func(f *Fact) {
			f.Verb, f.ResourceVersion, f.Certain, f.Created = "create", "7", true, true
		})}, []string{"1"}},
		{"by name", nil, change(Added, "7", 10.4, kubectl), nil, []Fact{write("1", 10.3, func(f *Fact) { f.UID = "" })}, nil},
	} {
		first := NewLedger(Limits{}, noon)
		if test.before != nil {
			first.Who(change(Modified, "6", 10.1, test.before...))
		}
		first.Add(test.known...)
		first.Who(test.change)
		var recalled []Change
		if kept, waits := first.Unproven(test.change); waits {
			recalled = append(recalled, kept)
		}

		for order, early := range []bool{false, true} {
			var told []string
			second := NewLedger(Limits{}, noon)
			second.OnLate(func(_ Change, facts []Fact) { told = append(told, ids(facts)...) })
			if early {
				second.Add(test.facts...)
			}
			second.Recall(recalled...)
			second.Recall(recalled...)
			second.Add(test.facts...)
			if !slices.Equal(told, test.want) {
				t.Errorf("%s (%d): told %v, want %v", test.name, order, told, test.want)
			}
		}
	}
}

// A change that was recalled says nothing of what its object was before another, and is forgotten in time.
func TestWhatIsRecalledSaysNothingOfOthers(t *testing.T) {
	now := start
	l := NewLedger(Limits{Keep: time.Minute}, func() time.Time { return now })
	l.Recall(change(Modified, "6", 10.1, update("flux", 2)))
	l.Add(write("1", 10.3, func(f *Fact) { f.ResourceVersion = "7" }))
	if facts, proven := l.Who(change(Modified, "7", 10.4, update("kubectl", 10), update("other", 10))); proven {
		t.Errorf("proven by %v as if the version before had been seen", ids(facts))
	}
	if l.Counts().Open != 2 {
		t.Errorf("%+v", l.Counts())
	}
	now = now.Add(2 * time.Minute)
	l.Recall()
	if c := l.Counts(); c.Open != 0 || len(l.recalled.byLabel) != 0 {
		t.Errorf("%+v", c)
	}
}
