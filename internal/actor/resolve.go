package actor

import (
	"slices"

	"github.com/appbur/appbur/internal/audit"
)

// Change is one write that changed the manifest of an object.
type Change struct {
	audit.Change
	// Wrote are the field managers that the write left its time with.
	Wrote []string
}

// Ledger knows what audit events say.
type Ledger interface {
	// Who returns the facts that prove who made a change, or false.
	Who(audit.Change) (facts []audit.Fact, proven bool)
}

// Resolve says who made a change: whom audit events prove, else which field manager, else nobody. What a list found may be
// the sum of several writes, and then its last field manager is no author; those who are known to have taken part are named.
func Resolve(c Change, ledger Ledger) Who {
	if ledger != nil {
		if facts, proven := ledger.Who(c.Change); proven {
			if who := Proven(c.Event, facts); len(who.Actors) > 0 {
				return who
			}
		}
	}
	who := Who{Source: Unresolved}
	for _, name := range c.Wrote {
		who.name(Actor{Name: name, Source: FieldManagers})
	}
	if c.Event != audit.Listed && len(who.Actors) == 1 {
		who.Source, who.Author = FieldManagers, who.Actors[0]
	}
	return who
}

// Proven says who made a change that facts prove. Several actors are of nobody alone, but for a deletion: its author is who
// asked for it, whoever finished it.
func Proven(event string, facts []audit.Fact) Who {
	who := Who{Source: Unresolved}
	var authors []Actor
	nameless := false
	for _, f := range facts {
		a := Actor{Name: f.User, Source: Audit, Impersonated: f.Impersonated}
		if a.Name == "" {
			nameless = true // an event about nobody proves nothing
			continue
		}
		who.name(a)
		who.cite(f.ID)
		if (event != audit.Deleted || asks(f)) && !slices.Contains(authors, a) {
			authors = append(authors, a)
		}
	}
	if len(authors) == 1 && !nameless {
		who.Source, who.Author = Audit, authors[0]
		who.Actors = slices.Insert(slices.DeleteFunc(who.Actors, func(a Actor) bool { return a == authors[0] }), 0, authors[0])
	}
	return who
}

// asks reports whether a request asked for a deletion, and did not only let it end.
func asks(f audit.Fact) bool { return f.Marks || f.Verb == "delete" || f.Verb == "deletecollection" }

// ResolveAll says who made a change that several writes add up to.
func ResolveAll(changes []Change, ledger Ledger) Who {
	if len(changes) == 0 {
		return Who{Source: Unresolved}
	}
	who := Resolve(changes[0], ledger)
	for _, c := range changes[1:] {
		who = who.and(Resolve(c, ledger))
	}
	return who
}
