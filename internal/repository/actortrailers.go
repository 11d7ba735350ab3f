package repository

import (
	"strconv"

	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Bounds of what a commit says of those who took part in it.
const (
	namedActors = 20
	namedEvents = 20
)

// actorTrailers say who is behind a commit and how that is known.
func actorTrailers(who actor.Who, cluster string) []gitsync.Trailer {
	list := []gitsync.Trailer{{Key: trailerActor, Value: string(who.Source)}}
	for i, a := range who.Actors {
		if i == namedActors {
			list = append(list, gitsync.Trailer{Key: trailerActorsLeft, Value: strconv.Itoa(len(who.Actors) - i)})
			break
		}
		list = append(list, gitsync.Trailer{Key: trailerNamed, Value: personLine(a, cluster)})
		if a.Impersonated != "" {
			acted := actor.Actor{Name: a.Impersonated, Source: a.Source}
			list = append(list, gitsync.Trailer{Key: trailerImpersonated, Value: personLine(acted, cluster)})
		}
	}

	for i, id := range who.AuditIDs {
		if i == namedEvents {
			list = append(list, gitsync.Trailer{Key: trailerEventsLeft, Value: strconv.Itoa(len(who.AuditIDs) - i)})
			break
		}
		list = append(list, gitsync.Trailer{Key: trailerAuditID, Value: shorten(id, 64)})
	}
	return list
}

// personLine is how git writes a person, for example in Co-authored-by.
func personLine(a actor.Actor, cluster string) string {
	name, email := a.Person(cluster)
	return name + " <" + email + ">"
}
