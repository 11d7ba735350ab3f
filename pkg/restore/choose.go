package restore

import (
	"errors"
	"fmt"
	"slices"

	"github.com/appbur/appbur"
)

// OwnerPolicy says what becomes of owner references to objects that are not chosen. The
// set is closed.
type OwnerPolicy string

// The policies for owners that are not chosen.
const (
	// OwnersInclude links to the owner that the target has, and creates it where it has none.
	OwnersInclude OwnerPolicy = "include"
	// OwnersDrop restores the object without the reference.
	OwnersDrop OwnerPolicy = "drop"
	// OwnersFail refuses the choice.
	OwnersFail OwnerPolicy = "fail"
)

// ErrOwnerNotChosen is the error of a choice that has to have all owners and has not.
var ErrOwnerNotChosen = errors.New("an owner is not selected")

// Choice says which part of a point is restored.
type Choice struct {
	// Text says it for people.
	Text string
	// Objects and Apps hold for what is chosen.
	Objects func(Object) bool
	Apps    func(appbur.AppKey) bool
	// Dependencies brings what the chosen objects need. It is created where the target has
	// none, and left as it is where it has one.
	Dependencies bool
	// Owners is [OwnersInclude] if it is empty.
	Owners OwnerPolicy
}

// Part is the part of a point that was chosen.
type Part struct {
	Text string `json:"text"`
	// Chosen objects were meant, Needed ones come with them, of so many in the point.
	Chosen int `json:"chosen"`
	Needed int `json:"needed"`
	Of     int `json:"of"`

	// covers says of any object whether it would have been meant; held are those of the point.
	covers func(Object) bool
	held   map[appbur.ObjectID]bool
}

// narrows reports whether objects were left out.
func (p *Part) narrows() bool { return p != nil && p.Chosen < p.Of }

// Need is why an object comes with the chosen ones.
type Need struct {
	// As is what it is to By: its namespace, say.
	As string          `json:"as"`
	By appbur.ObjectID `json:"by"`
}

// String says it for people.
func (n Need) String() string { return n.As + " of " + n.By.String() }

// Choose returns the part of the point that is chosen, with what it needs. The index
// stays as it is. A choice of nothing is a point without objects: its applications may
// still be restored.
func (p Point) Choose(c Choice) (Point, error) {
	objects, err := p.sorted()
	if err != nil {
		return Point{}, err
	}
	n := newNeeds(p, objects, c)
	part := &Part{Text: c.Text, Of: objects.Len(), covers: c.Objects, held: make(map[appbur.ObjectID]bool, objects.Len())}

	for _, o := range objects.All() {
		part.held[o.ID] = true
		if c.Objects(o) {
			n.chosen[o.ID] = true
		}
	}
	part.Chosen = len(n.chosen)
	for i, id := range objects.IDs() {
		if n.chosen[id] {
			n.follow(objects.At(i), true)
		}
	}
	if c.Owners == OwnersFail && len(n.unowned) > 0 {
		return Point{}, fmt.Errorf("%w: %s", ErrOwnerNotChosen, appbur.Shortlist(n.unowned, shownManagers))
	}

	chosen := p
	chosen.Objects, chosen.Part = Objects{}, part
	for _, o := range objects.list {
		need, needed := n.needed[o.ID]
		switch {
		case n.chosen[o.ID]:
			chosen.Objects.list = append(chosen.Objects.list, o)
		case needed:
			o.Need = &need
			part.Needed++
			chosen.Objects.list = append(chosen.Objects.list, o)
		}
	}
	chosen.Meta.Apps = slices.DeleteFunc(slices.Clone(p.Meta.Apps), func(a appbur.AppState) bool { return !c.Apps(a.AppKey) })
	return chosen, nil
}
