package compat

import (
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// Move is a built-in kind that went from one API group to another. It stayed the
// same object: the two groups were served from one storage for a while.
type Move struct {
	From appbur.GroupKind
	To   appbur.GroupKind
}

// notAnObject names kinds of the table that are never stored: they are views of
// others.
var notAnObject = map[string]bool{"Scale": true}

// Moves lists the kinds that changed their group, as the lifecycle of Kubernetes
// APIs records it, sorted by From.
func Moves() []Move {
	var moves []Move
	for gvk, life := range lifecycle().lives {
		if to := life.Replacement; to.Kind != "" && to.Group != gvk.Group && !notAnObject[gvk.Kind] {
			moves = append(moves, Move{gvk.GroupKind(), to.GroupKind()})
		}
	}
	slices.SortFunc(moves, func(a, b Move) int { return strings.Compare(a.From.String(), b.From.String()) })
	return slices.Compact(moves)
}
