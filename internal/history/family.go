package history

import (
	"slices"
	"strings"
	"sync"

	"github.com/appbur/appbur/pkg/compat"
)

// families joins the types that are one kind of object under the groups that it had
// over the years. Each list is sorted by age, the group of today last.
var families = sync.OnceValue(func() map[string][]string {
	joined := map[string][]string{}
	for _, move := range compat.Moves() {
		from, to := strings.ToLower(move.From.String()), strings.ToLower(move.To.String())
		members := append(append([]string{}, familyIn(joined, from)...), familyIn(joined, to)...)
		for _, member := range members {
			joined[member] = members
		}
	}
	return joined
})

func familyIn(joined map[string][]string, typeName string) []string {
	if members, ok := joined[typeName]; ok {
		return members
	}
	return []string{typeName}
}

// familyOf returns all names that a type had, the type itself among them.
func familyOf(typeName string) []string { return familyIn(families(), typeName) }

// sameFamily reports whether two types are one kind.
func sameFamily(a, b string) bool { return a == b || slices.Contains(familyOf(a), b) }
