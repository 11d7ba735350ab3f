package actor

import (
	"slices"
)

// Source is how an actor is known.
type Source string

const (
	// Audit is an event of the API server about the very write.
	Audit Source = "audit"
	// FieldManagers is what a client calls itself.
	FieldManagers Source = "field-managers"
	// Unresolved means that nobody is known to have made a change alone.
	Unresolved Source = "unresolved"
)

// Actor is somebody who took part in a change.
type Actor struct {
	// Name is a user, or a field manager, as the cluster has it.
	Name   string
	Source Source
	// Impersonated is the user that the actor acted as, "" for none.
	Impersonated string
}

// Who is behind a change.
type Who struct {
	// Source is [Unresolved] unless one actor is known to have made all of it, who is the Author.
	Source Source
	Author Actor
	// Actors are all who are known to have taken part, the author first.
	Actors []Actor
	// AuditIDs are the events that say so.
	AuditIDs []string
}

// One returns the actor who made all of the change.
func (w Who) One() (Actor, bool) { return w.Author, w.Source != Unresolved && w.Source != "" }

// same reports whether two changes are of the same actor, or both of nobody who is known.
func (w Who) same(o Who) bool { return w.Source == o.Source && w.Author == o.Author }

// and is who is behind two changes that cannot be told apart, or that one commit has.
func (w Who) and(o Who) Who {
	both := Who{Source: Unresolved, Actors: slices.Clone(w.Actors), AuditIDs: slices.Clone(w.AuditIDs)}
	if w.same(o) {
		both.Source, both.Author = w.Source, w.Author
	}
	for _, a := range o.Actors {
		both.name(a)
	}
	for _, id := range o.AuditIDs {
		both.cite(id)
	}
	return both
}

// name adds somebody who took part.
func (w *Who) name(a Actor) {
	if !slices.Contains(w.Actors, a) {
		w.Actors = append(w.Actors, a)
	}
}

// cite adds an event.
func (w *Who) cite(id string) {
	if id != "" && !slices.Contains(w.AuditIDs, id) {
		w.AuditIDs = append(w.AuditIDs, id)
	}
}
