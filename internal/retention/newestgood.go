package retention

import (
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// Holding is something that a point holds the state of: an application, or with the
// zero key the cluster itself.
type Holding struct{ app appbur.AppKey }

// String names it as in "the state of the cluster".
func (h Holding) String() string {
	if h.app == (appbur.AppKey{}) {
		return "the cluster"
	}
	return "the application " + h.app.String()
}

// NewestGood returns for the cluster and each application the index of the newest
// complete point that holds its state, or if there is none of the newest partial one.
// These stay whatever a policy says. Points are sorted newest first.
func NewestGood(points []appbur.RestorePoint) map[Holding]int {
	best := map[Holding]int{}
	for i, point := range points {
		held := []Holding{{}}
		for _, app := range point.Apps {
			held = append(held, Holding{app.AppKey})
		}
		for _, h := range held {
			if at, known := best[h]; !known || points[at].Partial && !point.Partial {
				best[h] = i
			}
		}
	}
	return best
}

// Sorted lists what [NewestGood] returns by name.
func Sorted(best map[Holding]int) []Holding {
	return slices.SortedFunc(maps.Keys(best), func(a, b Holding) int { return strings.Compare(a.String(), b.String()) })
}
