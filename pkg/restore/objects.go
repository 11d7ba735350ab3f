package restore

import (
	"iter"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// Objects are the objects of a point. Their content is kept encoded ([Content]), so an object
// that is read is a copy: what becomes of it changes the point when it is set again.
type Objects struct {
	list []packed
	// words are those that ids of many objects share: kinds and namespaces.
	words map[string]string
}

// packed is an [Object] in little memory.
type packed struct {
	ID         appbur.ObjectID
	APIVersion string
	Content    Content
	Secrets    [][]string
	Rewritten  []compat.Change
	Need       *Need
	Phase      int32
	// Marked is true of an object that a restore has marked.
	Marked bool
}

// pack drops paths of secrets that need no mention.
func pack(o Object) packed {
	if o.ID.GroupKind() == kindSecret {
		o.Secrets = slices.DeleteFunc(slices.Clone(o.Secrets), func(path []string) bool {
			return slices.ContainsFunc(secretOfSecrets, func(known []string) bool { return len(path) > 0 && path[0] == known[0] })
		})
	}
	if len(o.Secrets) == 0 {
		o.Secrets = nil
	}
	return packed{
		ID: o.ID, APIVersion: o.APIVersion, Content: ContentOf(o.Content), Secrets: o.Secrets, Rewritten: o.Rewritten, Need: o.Need,
		Phase: int32(o.Phase), Marked: isMarked(o.Content), //nolint:gosec // a place in a list
	}
}

func (p packed) open() Object {
	return Object{p.ID, p.APIVersion, p.Content.Object(), p.Secrets, p.Rewritten, p.Need, int(p.Phase)}
}

// ObjectsOf returns these objects.
func ObjectsOf(objects ...Object) Objects {
	o := Objects{list: make([]packed, 0, len(objects))}
	for _, object := range objects {
		o.Add(object)
	}
	return o
}

// Len returns how many there are.
func (o Objects) Len() int { return len(o.list) }

// ID returns which object the one at a place is.
func (o Objects) ID(i int) appbur.ObjectID { return o.list[i].ID }

// APIVersion returns that of the object at a place.
func (o Objects) APIVersion(i int) string { return o.list[i].APIVersion }

// Marked reports whether the object at a place has a mark of a restore ([PausedKey]), as few have.
func (o Objects) Marked(i int) bool { return o.list[i].Marked }

// At returns the object at a place.
func (o Objects) At(i int) Object { return o.list[i].open() }

// All returns them with their places.
func (o Objects) All() iter.Seq2[int, Object] {
	return func(yield func(int, Object) bool) {
		for i := range o.list {
			if !yield(i, o.At(i)) {
				return
			}
		}
	}
}

// IDs returns which objects they are, with their places. It decodes none.
func (o Objects) IDs() iter.Seq2[int, appbur.ObjectID] {
	return func(yield func(int, appbur.ObjectID) bool) {
		for i := range o.list {
			if !yield(i, o.list[i].ID) {
				return
			}
		}
	}
}

// Index returns the place of an object, -1 if it is not there.
func (o Objects) Index(id appbur.ObjectID) int {
	return slices.IndexFunc(o.list, func(p packed) bool { return p.ID == id })
}

// Add adds an object.
func (o *Objects) Add(object Object) {
	if o.words == nil {
		o.words = make(map[string]string)
	}
	for _, word := range []*string{&object.ID.Group, &object.ID.Kind, &object.ID.Namespace, &object.APIVersion} {
		if _, known := o.words[*word]; !known {
			o.words[*word] = *word
		}
		*word = o.words[*word]
	}
	o.list = append(o.list, pack(object))
}

// Set puts another object in a place.
func (o Objects) Set(i int, object Object) { o.list[i] = pack(object) }

// With returns the objects with others in some places. Without any they are the same ones.
func (o Objects) With(others map[int]Object) Objects {
	if len(others) == 0 {
		return o
	}
	after := o.Clone()
	for i, object := range others {
		after.Set(i, object)
	}
	return after
}

// Sort puts them into the order of their ids.
func (o Objects) Sort() {
	slices.SortFunc(o.list, func(a, b packed) int { return a.ID.Compare(b.ID) })
}

func (o Objects) isSorted() bool {
	return slices.IsSortedFunc(o.list, func(a, b packed) int { return a.ID.Compare(b.ID) })
}

// Clone returns a list of its own with the same objects.
func (o Objects) Clone() Objects { return Objects{list: slices.Clone(o.list)} }
