package history

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Selection is a [Selector] whose names are known to mean one thing in this history.
type Selection struct {
	patterns []gitsync.Pattern
	// paths are those that the one object had, the newest first; empty when more
	// than one object is meant.
	paths []string
	text  string
}

// String says what was selected.
func (s Selection) String() string { return s.text }

// One reports whether the selection is of one object.
func (s Selection) One() bool { return len(s.paths) > 0 }

// Select finds out what a selector means: of which kind the name is, and, for one
// object without a namespace, where it is. What no longer exists is looked for in the
// past. A kind is followed through the API groups that it had.
func (h *History) Select(ctx context.Context, s Selector) (Selection, error) {
	if !s.hasKind {
		all := Selection{patterns: s.patterns(nil), text: s.String()}
		return all, h.knows(ctx, s)
	}
	found, err := h.places(ctx, s)
	if err != nil {
		return Selection{}, err
	}

	if len(found) == 0 {
		return Selection{}, &NotFoundError{Sought: SoughtObject, text: s.String()}
	}
	if found, err = s.oneKind(found); err != nil {
		return Selection{}, err
	}

	namespaces := map[string]bool{}
	for _, at := range found {
		namespaces[at.place.Namespace] = true
	}
	if s.name != "" && len(namespaces) > 1 {
		return Selection{}, &AmbiguousError{Namespaces: slices.Sorted(maps.Keys(namespaces)), text: s.String()}
	}

	first := found[0].place
	first.Type = appbur.TypeOfDir(first.Type)
	family := familyOf(first.Type)
	if s.name == "" {
		return Selection{patterns: s.patterns(func(t string) bool { return slices.Contains(family, t) }), text: s.String()}, nil
	}
	first.Name = s.name // the path may have it shortened

	one := Selection{text: first.String()}
	for _, typeName := range slices.Backward(family) {
		kind, group, _ := strings.Cut(typeName, ".")
		one.add(appbur.ObjectID{Kind: kind, Group: group, Namespace: first.Namespace, Name: s.name}.Path())
	}

	// A directory that does not follow from the type: that of a kind whose name is
	// too long for it, or differs from that of another only in case.
	for _, at := range found {
		one.add(at.path)
	}
	return one, nil
}

// add takes in one more path of the one object.
func (s *Selection) add(path string) {
	if slices.Contains(s.paths, path) {
		return
	}
	s.paths = append(s.paths, path)
	s.patterns = append(s.patterns, gitsync.ExactPath(path))
}

// foundAt is where something was found: what the path says, and the path.
type foundAt struct {
	place appbur.Place
	path  string
}

// knows refuses a namespace that never was: an empty answer would be taken for peace.
func (h *History) knows(ctx context.Context, s Selector) error {
	if s.namespace == "" {
		return nil
	}
	for _, err := range h.git.Walk(ctx, h.tip, gitsync.WalkOptions{Patterns: s.patterns(nil)}) {
		return err
	}
	return &NotFoundError{Sought: SoughtNamespace, text: "namespace " + s.namespace}
}

// oneKind keeps the places of the one kind that is meant. Of several without a group
// in the name the core group's is meant, as kubectl has it, and of kinds whose names
// differ only in case all.
func (s Selector) oneKind(found []foundAt) ([]foundAt, error) {
	byKind := map[string][]foundAt{}
	for _, at := range found {
		members := familyOf(appbur.TypeOfDir(at.place.Type))
		today := members[len(members)-1]
		byKind[today] = append(byKind[today], at)
	}
	if len(byKind) == 1 {
		return found, nil
	}
	for kind, places := range byKind {
		if !s.kind.Grouped() && !strings.Contains(kind, ".") {
			return places, nil
		}
	}
	return nil, &AmbiguousError{Kinds: slices.Sorted(maps.Keys(byKind)), text: s.kind.String()}
}

// places returns where the selector finds something: at the tip, else at the last
// commit that changed it.
func (h *History) places(ctx context.Context, s Selector) ([]foundAt, error) {
	patterns := s.patterns(s.kind.FitsType)
	paths, err := h.git.Match(h.tip, patterns...)
	if err != nil {
		return nil, err
	}

	if len(paths) == 0 {
		for step, err := range h.git.Walk(ctx, h.tip, gitsync.WalkOptions{Patterns: patterns}) {
			if err != nil {
				return nil, err
			}
			for _, c := range step.Changes {
				paths = append(paths, c.Path)
			}
			break
		}
	}

	var places []foundAt
	for _, path := range paths {
		at := foundAt{path: path}
		if s.name == "" && !appbur.IsManifestPath(path) {
			path += "/x.yaml" // the directory of a kind
		}
		var err error
		if at.place, err = appbur.ParsePlace(path); err != nil {
			continue // a foreign file among the manifests
		}
		places = append(places, at)
	}

	return places, nil
}
