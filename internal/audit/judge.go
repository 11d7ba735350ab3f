package audit

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	// early and late are how much the clock of the daemon may differ from the one of an API server where the two are
	// compared. Beyond it less is proven.
	clockAhead  = time.Second
	clockBehind = 5 * time.Second
	// near is how long before and after a change other requests to the same object count.
	near = 5 * time.Second
	// longestChain bounds the versions between two looks at an object.
	longestChain = 1000
)

// nameOf is the label of an object where its uid is not known, "" if its name is not known either.
func nameOf(group, resource, namespace, name string) string {
	if resource == "" || name == "" {
		return ""
	}
	return "name " + group + "/" + resource + "/" + namespace + "/" + name
}

// name is the label of the object of a change. Without a resource its name is what nearly all kinds follow.
func (c Change) name() string {
	resource := c.Resource
	if resource == "" && c.Kind != "" {
		plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Group: c.Group, Kind: c.Kind})
		resource = plural.Resource
	}
	return nameOf(c.Group, resource, c.Namespace, c.Name)
}

// judge returns the facts that prove who made a change, in the order of time.
func (l *Ledger) judge(c Change) (facts []Fact, proven bool) {
	switch {
	case c.UID == "" || c.Seen.Before(l.since):
		return nil, false
	case c.Event == Deleted:
		facts, proven = l.deleted(c)
	case c.Event == Listed:
		facts, proven = l.chain(c)
	case c.recalled:
		facts, proven = l.rewrote(c)
	default:
		if facts, proven = l.wrote(c); !proven {
			facts, proven = l.wroteByName(c)
		}
	}
	if !proven || c.recalled && slices.ContainsFunc(facts, func(f Fact) bool { return !c.mayBeOf(f) }) {
		return nil, false
	}
	slices.SortStableFunc(facts, func(a, b Fact) int { return a.At.Compare(b.At) })
	return facts, true
}

// wrote finds who wrote exactly the version of a change.
func (l *Ledger) wrote(c Change) (facts []Fact, proven bool) {
	claims := l.claims(c)
	// What the version before had, somebody else may have left. It counts where nothing is new: a field manager that writes
	// twice within a second leaves the same entry, and so does a request of others that only took fields away.
	shown := l.newManagers(c)
	alone := len(shown) == 0
	if alone {
		shown = c.Managers
	}
	for _, f := range claims {
		if f.Certain || slices.ContainsFunc(shown, func(m Manager) bool { return m.wrote(f) }) {
			facts = append(facts, f)
		}
	}

	if certain := slices.DeleteFunc(slices.Clone(facts), func(f Fact) bool { return !f.Certain }); len(certain) > 0 {
		return certain, sameActor(certain)
	}
	return facts, len(facts) > 0 && sameActor(facts) && (!alone || sameActor(claims) && l.explains(c))
}

// claims are the requests that were answered with the version of a change and may have written it. All but one have changed
// nothing, so those do not count that came when somebody else had been answered with it.
func (l *Ledger) claims(c Change) []Fact {
	all := slices.DeleteFunc(l.facts.find(c.UID), func(f Fact) bool {
		return f.UID != c.UID || f.ResourceVersion != c.ResourceVersion || f.Gone || c.later(f)
	})
	return slices.DeleteFunc(slices.Clone(all), func(f Fact) bool {
		return !f.Certain && slices.ContainsFunc(all, func(other Fact) bool { return other.At.Before(f.Received) })
	})
}

// later reports whether a version has an entry of after a request, which can then only be about the same version of a store that
// has gone back in time.
func (c Change) later(f Fact) bool {
	return slices.ContainsFunc(c.Managers, func(m Manager) bool { return m.Time.After(f.At) })
}

// newManagers are the entries that the version before a change did not have, none if that was not seen.
func (l *Ledger) newManagers(c Change) []Manager {
	before, seen := l.asked.before(c.key(), c.UID)
	if !seen && c.Event != Added {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.Managers), func(m Manager) bool { return slices.Contains(before.Managers, m) })
}

// explains reports whether a request is known for each field manager that wrote at about the time of a change. One whose
// event was lost may have made it.
func (l *Ledger) explains(c Change) bool {
	known := l.facts.find(c.UID)
	return !slices.ContainsFunc(c.newest(), func(m Manager) bool {
		return c.Seen.Sub(m.Time) <= near && !slices.ContainsFunc(known, m.wrote)
	})
}

// seenDuring reports whether a change was seen while a request was served, or right after.
func (c Change) seenDuring(f Fact) bool {
	return !c.Seen.Before(f.Received.Add(-clockAhead)) && !c.Seen.After(f.At.Add(clockBehind))
}

// wroteByName finds who wrote a version where events name only the object.
func (l *Ledger) wroteByName(c Change) (facts []Fact, proven bool) {
	changes := 0
	for _, other := range l.asked.find(c.name()) {
		if other.UID == c.UID && other.Event != Listed && other.Event != Deleted && other.Seen.Sub(c.Seen).Abs() <= near {
			changes++
		}
	}
	requests := 0
	shown := map[Manager]bool{}
	newest := c.newest()

	for _, f := range l.facts.find(c.name()) {
		switch {
		case f.Gone || f.Received.After(c.Seen.Add(near)) || f.At.Before(c.Seen.Add(-near)):
			continue
		case f.ResourceVersion != "":
			return nil, false // its events have versions, and none of them is about this one
		}
		requests++
		if f.Replaced != "" && c.PreviousResourceVersion != "" && f.Replaced != c.PreviousResourceVersion {
			continue // it replaced another version
		}
		facts = append(facts, f)
		for _, m := range newest {
			shown[m] = shown[m] || m.wrote(f)
		}
	}

	for _, m := range newest {
		if !shown[m] {
			return nil, false
		}
	}
	facts = slices.DeleteFunc(facts, func(f Fact) bool { return !f.Created && !c.seenDuring(f) && !c.shows(f) })
	return facts, len(newest) > 0 && len(facts) > 0 && sameActor(facts) && requests >= changes
}

// chain finds who wrote all versions between two looks.
func (l *Ledger) chain(c Change) (facts []Fact, proven bool) {
	if c.ResourceVersion == "" {
		return nil, false
	}
	for version := c.ResourceVersion; len(facts) < longestChain; {
		link, found := l.link(c.UID, version)
		if !found {
			return nil, false
		}
		facts = append(facts, link)
		if link.Created || link.Replaced == c.PreviousResourceVersion {
			return facts, true
		}
		version = link.Replaced
	}
	return nil, false
}

// link finds the request that certainly wrote a version, and says what was before it.
func (l *Ledger) link(uid, version string) (Fact, bool) {
	for _, f := range l.facts.find(uid) {
		if f.UID == uid && f.ResourceVersion == version && f.Certain && (f.Created || f.Replaced != "") {
			return f, true
		}
	}
	return Fact{}, false
}

// deleted finds who asked for a deletion, and who finished it.
func (l *Ledger) deleted(c Change) (facts []Fact, proven bool) {
	asked, gone := false, false
	var blind []Fact
	marks := map[string]Fact{}

	for _, f := range l.facts.find(c.UID) {
		switch {
		case f.UID != c.UID || !f.Gone && !f.Marks:
			continue
		case f.Verb == "deletecollection" && !f.Marks && !c.seenDuring(f):
			continue // it may have come too late for this one, which it does not say
		case f.Blind && f.Gone && !c.seenDuring(f):
			continue // it may have been a dry run
		}

		facts = append(facts, f)
		if f.Blind && f.Gone {
			blind = append(blind, f)
		}
		if first, there := marks[f.ResourceVersion]; f.Marks && there && first.Actor != f.Actor {
			return nil, false // within one second nobody knows who was first
		} else if f.Marks {
			marks[f.ResourceVersion] = f
		}
		asked = asked || f.Marks || f.Verb == "delete" || f.Verb == "deletecollection"
		gone = gone || f.Gone
	}

	return facts, asked && gone && (len(blind) == 0 || sameActor(facts))
}

// sameActor reports whether all facts are of one actor.
func sameActor(facts []Fact) bool {
	return !slices.ContainsFunc(facts, func(f Fact) bool { return f.Actor != facts[0].Actor })
}
