package audit

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// at is a time of the tests.
func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

func noon() time.Time { return start }

// write is a request of alice to the ConfigMap default/a that is served for 20 ms.
func write(id string, received float64, change func(*Fact)) Fact {
	f := Fact{
		ID: id, Verb: "patch", Resource: "configmaps", Namespace: "default", Name: "a", UID: "u", Actor: Actor{User: "alice"},
		Manager: "kubectl", Received: at(received), At: at(received + 0.02),
	}
	change(&f)
	return f
}

// change is one that the watch has seen.
func change(event, version string, seen float64, managers ...Manager) Change {
	return Change{
		Event: event, Kind: "ConfigMap", Namespace: "default", Name: "a", UID: "u", ResourceVersion: version,
		PreviousResourceVersion: "6", Seen: at(seen), Managers: managers,
	}
}

func update(manager string, seconds float64) Manager {
	return Manager{Name: manager, Operation: "Update", Time: at(seconds)}
}

// TestWho has a row for each way in which a change is proven, and for each in which it only looks so.
func TestWho(t *testing.T) {
	version := func(v string) func(*Fact) { return func(f *Fact) { f.ResourceVersion = v } }
	certain := func(v, replaced string) func(*Fact) {
		return func(f *Fact) {
			f.Verb, f.ResourceVersion, f.Replaced, f.Certain, f.Created = "update", v, replaced, true, replaced == ""
		}
	}
	bob := func(and func(*Fact)) func(*Fact) {
		return func(f *Fact) { and(f); f.User, f.Manager = "bob", "flux" }
	}
	named := func(f *Fact) { f.UID = "" }
	gone := func(verb string) func(*Fact) { return func(f *Fact) { f.Verb, f.Gone = verb, true } }
	marks := func(f *Fact) { f.Verb, f.ResourceVersion, f.Certain, f.Marks = "delete", "6", true, true }

	for _, test := range []struct {
		name   string
		facts  []Fact
		change Change
		want   []string // nil for unresolved
	}{
		{"nothing is known", nil, change(Modified, "7", 10), nil},
		{"another version", []Fact{write("1", 10, certain("8", "7"))}, change(Modified, "7", 10), nil},
		{"it replaced another version", []Fact{write("1", 10, certain("7", "6"))}, change(Modified, "7", 10), []string{"1"}},
		{"it was created", []Fact{write("1", 10, certain("7", ""))}, change(Added, "7", 10), []string{"1"}},
		{"a patch may have changed nothing", []Fact{write("1", 10, version("7"))}, change(Modified, "7", 10), nil},
		{
			"the field manager shows it",
			[]Fact{write("1", 10.3, version("7"))},
			change(Modified, "7", 10, update("kubectl", 10), update("flux", 2)),
			[]string{"1"},
		},
		{
			"the field manager wrote before",
			[]Fact{write("1", 10.3, version("7"))},
			change(Modified, "7", 10, update("kubectl", 9), update("flux", 10)), nil,
		},
		{
			"another subresource",
			[]Fact{write("1", 10.3, func(f *Fact) { f.ResourceVersion, f.Subresource = "7", "status" })},
			change(Modified, "7", 10, update("kubectl", 10)), nil,
		},
		{
			"one wrote, the other patched without a change",
			[]Fact{write("1", 10.1, version("7")), write("2", 10.3, bob(version("7")))},
			change(Modified, "7", 10, update("kubectl", 10)),
			[]string{"1"},
		},
		{
			"one wrote the version before in the same second, and patched without a change when the other had written",
			[]Fact{write("1", 10.3, version("7")), write("2", 10.1, bob(version("7")))},
			change(Modified, "7", 10.2, update("kubectl", 10)), nil,
		},
		{
			"one wrote the version before in the same second, and patched while the other took fields away",
			[]Fact{write("1", 10.3, version("7")), write("2", 10.31, bob(version("7")))},
			change(Modified, "7", 10.3, update("kubectl", 10)), nil,
		},
		{
			"another field manager wrote in the same second, and its event was lost",
			[]Fact{write("1", 10.3, version("7"))},
			change(Modified, "7", 10.2, update("kubectl", 10), update("flux", 10)), nil,
		},
		{
			"a patch that removes nothing, after a write whose event was lost",
			[]Fact{write("1", 11, version("7"))},
			change(Modified, "7", 10.9, update("flux", 10)), nil,
		},
		{
			"both could have",
			[]Fact{write("1", 10.1, version("7")), write("2", 10.11, func(f *Fact) { f.ResourceVersion, f.User = "7", "bob" })},
			change(Modified, "7", 10, update("kubectl", 10)), nil,
		},
		{
			"a patch that may have removed fields",
			[]Fact{write("1", 10.1, version("7"))},
			change(Modified, "7", 10.2, update("kubectl", 3)), nil,
		},
		{
			"a patch that removes fields, long after the version was seen",
			[]Fact{write("1", 20, version("7"))},
			change(Modified, "7", 10, update("kubectl", 3)), nil,
		},
		{
			"a patch that removes fields, of a version that sets some",
			[]Fact{write("1", 10.1, version("7"))},
			change(Modified, "7", 10.2, update("flux", 10)), nil,
		},
		{
			"a list found the last of two, both known",
			[]Fact{write("1", 10, certain("7", "6")), write("2", 11, bob(certain("9", "7")))},
			change(Listed, "9", 30),
			[]string{"1", "2"},
		},
		{
			"a list found the last of two, one known", []Fact{write("2", 11, certain("9", "7"))}, change(Listed, "9", 30), nil,
		},
		{
			"by name",
			[]Fact{write("1", 10.1, named)},
			change(Modified, "7", 10.2, update("kubectl", 10)),
			[]string{"1"},
		},
		{
			"by name, of another field manager",
			[]Fact{write("1", 10.1, named)},
			change(Modified, "7", 10.2, update("flux", 10)), nil,
		},
		{
			"by name, and another one was there",
			[]Fact{write("1", 10.1, named), write("2", 9, bob(named))},
			change(Modified, "7", 10.2, update("kubectl", 10)), nil,
		},
		{
			"by name, and another one replaced another version",
			[]Fact{write("1", 10.1, named), write("2", 9, func(f *Fact) { bob(named)(f); f.Replaced = "5" })},
			change(Modified, "7", 10.2, update("kubectl", 10)),
			[]string{"1"},
		},
		{"by name, listed", []Fact{write("1", 10.1, named)}, change(Listed, "7", 10.2, update("kubectl", 10)), nil},
		{"deleted", []Fact{write("1", 10, gone("delete"))}, change(Deleted, "", 10), []string{"1"}},
		{"deleted, of another uid", []Fact{write("1", 10, func(f *Fact) { gone("delete")(f); f.UID = "v" })}, change(Deleted, "", 10), nil},
		{
			"asked for, and finished by a controller",
			[]Fact{write("1", 10, marks), write("2", 12, bob(gone("update")))},
			change(Deleted, "", 12),
			[]string{"1", "2"},
		},
		{
			"asked for by two at once",
			[]Fact{write("1", 10, marks), write("2", 10.5, bob(marks)), write("3", 12, bob(gone("update")))},
			change(Deleted, "", 12), nil,
		},
		{"only who finished is known", []Fact{write("2", 12, bob(gone("update")))}, change(Deleted, "", 12), nil},
		{"only who asked is known", []Fact{write("1", 10, marks)}, change(Deleted, "", 12), nil},
		{"with all of its type", []Fact{write("1", 10, gone("deletecollection"))}, change(Deleted, "", 10.1), []string{"1"}},
		{"before all of its type", []Fact{write("1", 10, gone("deletecollection"))}, change(Deleted, "", 2), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			// The order in which facts and the question come changes nothing.
			before, after := NewLedger(Limits{}, noon), NewLedger(Limits{}, noon)
			before.Add(test.facts...)
			first, proven := before.Who(test.change)
			if proven != (test.want != nil) || !slices.Equal(ids(first), test.want) {
				t.Errorf("%v (%v), want %v", ids(first), proven, test.want)
			}

			var told []string
			after.OnLate(func(c Change, facts []Fact) {
				if c.ResourceVersion != test.change.ResourceVersion {
					t.Errorf("told of %+v", c)
				}
				told = ids(facts)
			})
			if _, proven := after.Who(test.change); proven {
				t.Error("proven by nothing")
			}
			if after.Add(test.facts...); !slices.Equal(told, test.want) {
				t.Errorf("told later: %v, want %v", told, test.want)
			}
		})
	}
}

func ids(facts []Fact) (ids []string) {
	for _, f := range facts {
		ids = append(ids, f.ID)
	}
	return ids
}

// TestByNameEachChangeNeedsARequest: of two changes and one request nobody knows which is whose.
func TestByNameEachChangeNeedsARequest(t *testing.T) {
	l := NewLedger(Limits{}, noon)
	l.Who(change(Modified, "8", 10.5, update("kubectl", 10)))
	l.Add(write("1", 10.1, func(f *Fact) { f.UID = "" }))
	if facts, proven := l.Who(change(Modified, "7", 10.2, update("kubectl", 10))); proven {
		t.Errorf("answered with %v", facts)
	}
}

// TestAFactCountsOnce: audit events come at least once.
func TestAFactCountsOnce(t *testing.T) {
	l := NewLedger(Limits{}, noon)
	f := write("1", 10, func(f *Fact) { f.UID, f.ResourceVersion = "u", "7" })
	if first, again := l.Add(f), l.Add(f, f); first != 1 || again != 0 {
		t.Errorf("added %d, then %d", first, again)
	}
}

// TestBounded: a ledger keeps so much, for so long.
func TestBounded(t *testing.T) {
	now := start
	l := NewLedger(Limits{Facts: 10, Changes: 5, Keep: time.Minute}, func() time.Time { return now })
	for i := range 100 {
		l.Add(write(fmt.Sprint(i), 10, func(f *Fact) { f.ResourceVersion = fmt.Sprint(i) }))
		l.Who(change(Modified, fmt.Sprint(i), 10))
	}
	if c := l.Counts(); c.Facts != 10 || c.Open != 5 || c.Asked != 100 {
		t.Errorf("%+v are kept", c)
	}

	now = now.Add(2 * time.Minute)
	l.Who(change(Modified, "7", 130))
	if c := l.Counts(); c.Facts != 0 || c.Open != 1 {
		t.Errorf("%+v are kept after their time", c)
	}
	if len(l.facts.byLabel)+len(l.asked.byLabel) != 2 {
		t.Errorf("labels of nothing: %v, %v", l.facts.byLabel, l.asked.byLabel)
	}

	l.Reset()
	if c := l.Counts(); c.Facts != 0 || c.Open != 0 {
		t.Errorf("%+v are kept after a reset", c)
	}
}

// A store that was restored from a snapshot gives out its versions again. What is known of it from before names nobody after a
// reset, also if it comes again, and what was seen before is answered by nothing that comes after.
func TestAnotherStoreIsAnother(t *testing.T) {
	now := at(10)
	l := NewLedger(Limits{}, func() time.Time { return now })
	l.OnLate(func(c Change, facts []Fact) { t.Errorf("%+v is answered by %v", c, ids(facts)) })
	put := func(id, user string, received float64) Fact {
		return write(id, received, func(f *Fact) {
			f.Verb, f.ResourceVersion, f.Replaced, f.Certain, f.User = "update", "7", "6", true, user
		})
	}
	alice, bob := put("1", "alice", 9), put("2", "bob", 31)
	l.Add(alice)
	before := change(Modified, "7", 9.1)
	before.UID = "other"
	l.Who(before)
	l.Recall(before)

	now = at(30)
	l.Reset()
	l.Add(alice, put("3", "alice", 8))
	if facts, proven := l.Who(change(Modified, "7", 31.1)); proven {
		t.Errorf("answered by %v", ids(facts))
	}
	l.OnLate(nil)
	l.Add(bob)
	if facts, proven := l.Who(change(Modified, "7", 31.1)); !proven || facts[0].User != "bob" {
		t.Errorf("answered by %v", ids(facts))
	}
	if facts, proven := l.Who(change(Modified, "7", 9.1)); proven {
		t.Errorf("what was seen before is answered by %v", ids(facts))
	}

	// Nor does it without a reset, where the version has an entry of after the request.
	l = NewLedger(Limits{}, noon)
	l.Add(alice)
	if facts, proven := l.Who(change(Modified, "7", 31.1, update("kubectl", 31))); proven {
		t.Errorf("answered by %v", ids(facts))
	}
}

// TestActor: names are of clients, who may write into them what they like.
func TestActor(t *testing.T) {
	for want, actor := range map[string]Actor{
		"alice": {User: "alice"},
		"system:serviceaccount:flux-system:kustomize-controller": {User: "system:serviceaccount:flux-system:kustomize-controller"},
		`alice as "b\nob"`: {User: "alice", Impersonated: "b\nob"},
		`""`:               {},
	} {
		if got := actor.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
