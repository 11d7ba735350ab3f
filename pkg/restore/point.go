package restore

import (
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
)

// Object is one manifest of a restore point, decoded. Content is never modified.
type Object struct {
	ID         appbur.ObjectID
	APIVersion string
	Content    map[string]any
	// Secrets are the paths below which values are secret: keys of maps from the
	// root on. What is there is never printed. Those of a Secret need no mention.
	Secrets [][]string
	// Rewritten is what was changed in it since the point was read, for people.
	Rewritten []compat.Change
	// Need is why the object comes with the chosen ones, nil for those; see [Point.Choose].
	Need *Need
	// Phase is the place of the phase that it is chosen for, from 1, or 0 for none ([Point.InPhases]).
	Phase int
}

// Point is what a restore starts from: the description of the moment, the
// objects in clear, and what was taken out of their manifests.
type Point struct {
	Meta    appbur.RestorePoint
	Objects Objects
	Index   map[appbur.ObjectID]manifest.Entry
	// Notes are about what was changed since the point was read; they go into the plan.
	Notes []Note
	// Covered are the kinds of which the point has every object that its rules save, also where
	// that is none.
	Covered []CoveredKind
	// Pausing says which objects were paused on their way (pkg/restore/pause), nil if none.
	Pausing *Pausing
	// Part says which part of the point this is, nil for all of it.
	Part *Part
	// Phases are what a restore keeps apart.
	Phases []DeclaredPhase
}

// sorted returns the objects in the order of their ids, so that nothing that
// follows depends on the order in which they were read. It refuses two objects
// with one id.
func (p Point) sorted() (Objects, error) {
	objects := p.Objects
	if !objects.isSorted() {
		objects = objects.Clone()
		objects.Sort()
	}
	for i, id := range objects.IDs() {
		if i > 0 && objects.ID(i-1) == id {
			return Objects{}, fmt.Errorf("the restore point holds %s twice", id)
		}
	}
	return objects, nil
}

// contradiction is the error of an object whose content is that of another one.
func (o Object) contradiction() error {
	if text(o.Content, "kind") != o.ID.Kind || text(o.Content, "apiVersion") != o.APIVersion ||
		text(o.Content, "metadata", "name") != o.ID.Name {
		return fmt.Errorf("the content of %s names another object", o.ID)
	}
	return nil
}
