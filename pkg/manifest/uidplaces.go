package manifest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"github.com/appbur/appbur"
)

// UIDPlace is a field of a kind in which manifests hold uids ([UIDsInside]).
type UIDPlace struct {
	Kind appbur.GroupKind `json:"kind"`
	// Path is where, with [] for any element of a list.
	Path string `json:"path"`
	// Objects counts those that have a uid there, Example is the first of them.
	Objects int             `json:"objects"`
	Example appbur.ObjectID `json:"example"`
}

// String says what a person should know of the place.
func (p UIDPlace) String() string {
	objects := fmt.Sprintf("%d objects of %s hold uids", p.Objects, p.Kind)
	if p.Objects == 1 {
		objects = fmt.Sprintf("%s holds a uid", p.Example)
	}
	return fmt.Sprintf("%s of the source at %s: objects get new uids in another cluster, and what means the old ones there only the controller of the kind can correct",
		objects, p.Path)
}

// UIDPlaces gathers the uids inside of many manifests, a place for each field of a
// kind.
type UIDPlaces struct {
	found map[uidField]*UIDPlace
}

type uidField struct {
	kind appbur.GroupKind
	path string
}

var listIndex = regexp.MustCompile(`\[\d+\]`)

// Add looks at one manifest.
func (p *UIDPlaces) Add(id appbur.ObjectID, content map[string]any) {
	seen := make(map[string]bool)
	for _, path := range UIDsInside(content) {
		path = listIndex.ReplaceAllString(path, "[]")
		if seen[path] {
			continue
		}
		seen[path] = true

		field := uidField{id.GroupKind(), path}
		place, ok := p.found[field]
		if !ok {
			if p.found == nil {
				p.found = make(map[uidField]*UIDPlace)
			}
			place = &UIDPlace{Kind: field.kind, Path: path, Example: id}
			p.found[field] = place
		}
		place.Objects++
		if id.Compare(place.Example) < 0 {
			place.Example = id
		}
	}
}

// List returns the places, sorted by kind and path.
func (p *UIDPlaces) List() []UIDPlace {
	places := make([]UIDPlace, 0, len(p.found))
	for _, place := range p.found {
		places = append(places, *place)
	}
	slices.SortFunc(places, func(a, b UIDPlace) int { return cmp.Or(a.Kind.Compare(b.Kind), cmp.Compare(a.Path, b.Path)) })
	return places
}
