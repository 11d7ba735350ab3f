package actor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/pkg/manifest"
)

// told is a ledger that has the same to say of every write.
type told struct {
	facts  []audit.Fact
	proven bool
}

func (t told) Who(audit.Change) ([]audit.Fact, bool) { return t.facts, t.proven }

func TestWhoIsBehindAChange(t *testing.T) {
	fact := func(id, verb string, by audit.Actor) audit.Fact { return audit.Fact{ID: id, Verb: verb, Actor: by} }
	alice, bob := audit.Actor{User: "alice"}, audit.Actor{User: "bob"}
	byAlice, byBob := actor.Actor{Name: "alice", Source: actor.Audit}, actor.Actor{Name: "bob", Source: actor.Audit}
	kubectl := actor.Actor{Name: "kubectl", Source: actor.FieldManagers}
	event := func(event string, wrote ...string) actor.Change {
		return actor.Change{Change: audit.Change{Event: event}, Wrote: wrote}
	}

	for name, test := range map[string]struct {
		change actor.Change
		ledger actor.Ledger
		want   actor.Who
	}{
		"an audit event proves its user, whatever the field managers say": {
			event(audit.Modified, "kubectl"),
			told{[]audit.Fact{fact("1", "patch", alice)}, true},
			actor.Who{Source: actor.Audit, Author: byAlice, Actors: []actor.Actor{byAlice}, AuditIDs: []string{"1"}},
		},
		"several events of one user": {
			event(audit.Listed),
			told{[]audit.Fact{fact("1", "patch", alice), fact("2", "update", alice)}, true},
			actor.Who{Source: actor.Audit, Author: byAlice, Actors: []actor.Actor{byAlice}, AuditIDs: []string{"1", "2"}},
		},
		"events of two users prove neither": {
			event(audit.Listed, "kubectl"),
			told{[]audit.Fact{fact("1", "patch", alice), fact("2", "patch", bob)}, true},
			actor.Who{Source: actor.Unresolved, Actors: []actor.Actor{byAlice, byBob}, AuditIDs: []string{"1", "2"}},
		},
		"who acts as another is another": {
			event(audit.Listed),
			told{[]audit.Fact{fact("1", "patch", alice), fact("", "patch", audit.Actor{User: "alice", Impersonated: "bob"})}, true},
			actor.Who{
				Source: actor.Unresolved, Actors: []actor.Actor{byAlice, {Name: "alice", Source: actor.Audit, Impersonated: "bob"}},
				AuditIDs: []string{"1"},
			},
		},
		"who asks for a deletion is its author, whoever finishes it": {
			event(audit.Deleted),
			told{[]audit.Fact{fact("1", "delete", alice), fact("2", "patch", bob)}, true},
			actor.Who{Source: actor.Audit, Author: byAlice, Actors: []actor.Actor{byAlice, byBob}, AuditIDs: []string{"1", "2"}},
		},
		"two ask for a deletion": {
			event(audit.Deleted),
			told{[]audit.Fact{fact("1", "delete", alice), fact("2", "delete", bob)}, true},
			actor.Who{Source: actor.Unresolved, Actors: []actor.Actor{byAlice, byBob}, AuditIDs: []string{"1", "2"}},
		},
		"an event that may be of another write proves nothing": {
			event(audit.Modified), told{[]audit.Fact{fact("1", "patch", alice)}, false}, actor.Who{Source: actor.Unresolved},
		},
		"an event without a user is none": {
			event(audit.Modified, "kubectl"),
			told{[]audit.Fact{fact("1", "patch", audit.Actor{})}, true},
			actor.Who{Source: actor.FieldManagers, Author: kubectl, Actors: []actor.Actor{kubectl}},
		},
		"one field manager": {
			event(audit.Added, "kubectl"), nil, actor.Who{Source: actor.FieldManagers, Author: kubectl, Actors: []actor.Actor{kubectl}},
		},
		"two field managers": {
			event(audit.Modified, "helm", "kubectl"), nil,
			actor.Who{Source: actor.Unresolved, Actors: []actor.Actor{{Name: "helm", Source: actor.FieldManagers}, kubectl}},
		},
		"a field manager of one of several writes": {
			event(audit.Listed, "kubectl"), nil, actor.Who{Source: actor.Unresolved, Actors: []actor.Actor{kubectl}},
		},
		"nothing": {event(audit.Modified), told{}, actor.Who{Source: actor.Unresolved}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, actor.Resolve(test.change, test.ledger)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The manager whose time is newer than all before it wrote; where the time does not tell, nobody did.
func TestFieldManagersAreToldApartByTime(t *testing.T) {
	at := func(second int) time.Time { return time.Date(2026, 11, 20, 8, 0, second, 0, time.UTC) }
	wrote := func(name string, second int) manifest.Manager {
		return manifest.Manager{Manager: name, Time: at(second)}
	}
	status := manifest.Manager{Manager: "controller", Subresource: "status", Time: at(50)}
	n := actor.NewNewest()

	for i, step := range []struct {
		managers []manifest.Manager
		direct   bool
		want     []string
	}{
		{[]manifest.Manager{wrote("kubectl", 1)}, true, []string{"kubectl"}},                            // created
		{[]manifest.Manager{wrote("kubectl", 1), status}, true, nil},                                    // the status is in no manifest
		{[]manifest.Manager{wrote("kubectl", 1), status, wrote("helm", 5)}, true, []string{"helm"}},     // changed
		{[]manifest.Manager{status, wrote("helm", 5)}, true, nil},                                       // something was only taken away
		{[]manifest.Manager{wrote("kubectl", 5), wrote("helm", 5)}, true, nil},                          // in the same second
		{[]manifest.Manager{wrote("kubectl", 9), wrote("helm", 8)}, false, []string{"helm", "kubectl"}}, // found in a list
		{[]manifest.Manager{{Manager: "old"}, {Manager: "far", Time: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}}, true, nil},
	} {
		if diff := cmp.Diff(step.want, n.See("a", step.managers, step.direct)); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
	if got := n.See("b", []manifest.Manager{wrote("kubectl", 1)}, false); got != nil {
		t.Errorf("of an object that is found in a list for the first time, %v took part in a change", got)
	}
	n.Forget("a")
	if got := n.See("a", []manifest.Manager{wrote("kubectl", 2)}, true); len(got) != 1 {
		t.Errorf("an object of the same name that is created later has the managers %v", got)
	}
}

// However long a storm is, the number of commits is bounded, every change is in one, and an author made all of his.
func TestRunsAreInOrderAndBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b", "c"}), 0, 60).Draw(t, "names")
		most := rapid.IntRange(1, 10).Draw(t, "most")
		who := make([]actor.Who, len(names))
		for i, name := range names {
			who[i] = actor.Who{Source: actor.Unresolved}
			if name != "" {
				by := actor.Actor{Name: name, Source: actor.Audit}
				who[i] = actor.Who{Source: actor.Audit, Author: by, Actors: []actor.Actor{by}}
			}
		}
		at := 0
		runs := actor.Runs(who, most)
		for _, r := range runs {
			if r.From != at || r.To <= r.From {
				t.Fatalf("runs %+v are not in order", runs)
			}
			at = r.To
			one, proven := r.Who.One()
			for _, name := range names[r.From:r.To] {
				if proven && name != one.Name {
					t.Fatalf("%s is the author of a change of %q", one.Name, name)
				}
			}
		}
		if at != len(names) || len(runs) > most {
			t.Fatalf("%d runs end at %d of %d", len(runs), at, len(names))
		}
	})
}

func TestActorsOfAnyNameAreAuthors(t *testing.T) {
	const cluster = "5f7c0c66-6a3c-4a71-9c54-7a3b9f0b6d11"
	for _, test := range []struct{ name, wantName, wantLocal string }{
		{"alice", "alice", "alice"},
		{"Alice", "Alice", "alice+"},
		{"alice@example.com", "alice@example.com", "alice.example.com+"},
		{"system:serviceaccount:team-a:deployer", "system:serviceaccount:team-a:deployer", "system.serviceaccount.team-a.deployer+"},
		{"appbur", "appbur", "appbur"},
		{"x>\ncommitter appbur <appbur@appbur.invalid> 1 +0000", "x??committer appbur ?appbur@appbur.invalid? 1 +0000", "x--committer-appbur"},
		{"\u202ecila\x1b[31m", "?cila?[31m", "-cila"},
		{"...", "user ", "user+"},
		{"\xff", "?", "user+"},
		{strings.Repeat("a", 10_000), strings.Repeat("a", 127) + "…", strings.Repeat("a", 64) + "+"},
	} {
		name, email := actor.Actor{Name: test.name, Source: actor.Audit}.Person(cluster)
		local, domain, _ := strings.Cut(email, "@")
		if !strings.HasPrefix(name, test.wantName) || !strings.HasPrefix(local, strings.TrimPrefix(test.wantLocal, "-")) ||
			domain != "audit."+cluster+".invalid" {
			t.Errorf("%.40q is %q <%s>", test.name, name, email)
		}
	}
	if name, email := (actor.Actor{Name: "kubectl", Source: actor.FieldManagers}).Person("A B"); name+" <"+email+">" !=
		"kubectl (field manager) <kubectl@field-manager.a-b.invalid>" {
		t.Errorf("a field manager is %s <%s>", name, email)
	}
}

// Two users never have the same address, and no address can be misread.
func TestAddressesTellActorsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[aA.:@/ _-]{0,4}`))
		one, other := text.Draw(t, "one"), text.Draw(t, "other")
		name, email := actor.Actor{Name: one, Source: actor.Audit}.Person("c")
		_, second := actor.Actor{Name: other, Source: actor.Audit}.Person("c")
		_, third := actor.Actor{Name: one, Source: actor.FieldManagers}.Person("c")
		if email == second && one != other || email == third {
			t.Fatalf("%q and %q are both %s", one, other, email)
		}
		for _, r := range name + email {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '<' || r == '>' {
				t.Fatal(fmt.Sprintf("%q has %q", name+email, r))
			}
		}
		if name == "" || strings.ContainsAny(email, " ") || strings.HasPrefix(email, "@") {
			t.Fatalf("%q <%s>", name, email)
		}
	})
}
