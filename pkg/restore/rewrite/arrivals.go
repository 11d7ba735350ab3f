package rewrite

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// CollisionError says that objects would get the same id. Nothing of either is chosen.
type CollisionError struct{ Collisions []Collision }

// Collision is one id and the objects that would get it.
type Collision struct {
	ID   appbur.ObjectID
	From []appbur.ObjectID
}

// shownCollisions is how many collisions a message names.
const shownCollisions = 5

func (e *CollisionError) Error() string {
	var texts []string
	for _, c := range e.Collisions {
		var from []string
		for _, id := range c.From {
			from = append(from, id.String())
		}
		texts = append(texts, fmt.Sprintf("%s (from %s)", c.ID, strings.Join(from, " and ")))
	}
	return "objects would become one: " + appbur.Shortlist(texts, shownCollisions)
}

// arrival is an object with the id that it had.
type arrival struct {
	before appbur.ObjectID
	after  restore.Object
}

func (a arrival) moved() bool { return a.before != a.after.ID }

// arrivals are all objects after the change, by their new ids.
type arrivals struct {
	at    map[appbur.ObjectID][]int
	all   []arrival
	twice bool
}

func newArrivals() *arrivals { return &arrivals{at: make(map[appbur.ObjectID][]int)} }

func (s *arrivals) add(before, after restore.Object) {
	s.twice = s.twice || len(s.at[after.ID]) > 0
	s.at[after.ID] = append(s.at[after.ID], len(s.all))
	s.all = append(s.all, arrival{before.ID, after})
}

// settle returns one object for each id. Only what every namespace has can be there more than
// once: the namespace itself, and the service account that the server gives it.
func (s *arrivals) settle() (kept []arrival, notes []restore.Note, err error) {
	if !s.twice {
		return s.all, nil, nil
	}
	collided := &CollisionError{}
	for i, a := range s.all {
		places := s.at[a.after.ID]
		if len(places) == 1 {
			kept = append(kept, a)
			continue
		}
		if places[0] != i {
			continue // with the first
		}

		chosen, why, ok := s.choose(places)
		if !ok {
			collided.Collisions = append(collided.Collisions, s.collision(a.after.ID, places))
			continue
		}
		kept = append(kept, chosen)
		notes = append(notes, restore.Note{Kind: restore.NoteChange, Object: a.after.ID, What: why})
	}

	if len(collided.Collisions) > 0 {
		slices.SortFunc(collided.Collisions, func(a, b Collision) int { return a.ID.Compare(b.ID) })
		return nil, nil, collided
	}
	return kept, notes, nil
}

// choose finds the one of several objects that stands for all.
func (s *arrivals) choose(places []int) (arrival, string, bool) {
	first := s.all[places[0]]
	id := first.after.ID
	if id.GroupKind() != kindNamespace && (id.Kind != "ServiceAccount" || id.Name != "default" || id.Group != "") {
		return arrival{}, "", false
	}
	for _, i := range places {
		if a := s.all[i]; !a.moved() && id.GroupKind() == kindNamespace {
			return a, "the others that become it give it their objects, and not their labels and annotations", true
		}
	}
	for _, i := range places[1:] {
		if !reflect.DeepEqual(s.all[i].after.Content, first.after.Content) {
			return arrival{}, "", false
		}
	}
	return first, "several become it, and they are equal", true
}

func (s *arrivals) collision(id appbur.ObjectID, places []int) Collision {
	c := Collision{ID: id}
	for _, i := range places {
		c.From = append(c.From, s.all[i].before)
	}
	slices.SortFunc(c.From, appbur.ObjectID.Compare)
	return c
}
