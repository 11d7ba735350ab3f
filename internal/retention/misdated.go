package retention

import (
	"cmp"
	"slices"
	"time"

	"github.com/appbur/appbur"
)

// clockTolerance is by how much times may contradict history before a clock was wrong:
// backups of two machines overlap, and the later one to end may have begun earlier.
const clockTolerance = 24 * time.Hour

// Misdated tells which points carry a time that cannot be true, because they came
// between others of other times. Points are given newest first by history. As many
// times as possible are believed: those of the longest run of points whose times agree
// with history, of several such runs those of the shortest time, and then the one that
// ends earliest: clocks that are wrong are far off, and mostly ahead.
func Misdated(points []appbur.RestorePoint) []bool {
	wrong := make([]bool, len(points))
	believed := longestRun(points)
	for i, point := range points {
		at, exact := slices.BinarySearchFunc(believed, i, func(a, b int) int { return a - b })
		if exact {
			continue
		}
		// believed[at-1] is the newer neighbour, believed[at] the older one.
		wrong[i] = at > 0 && point.Created.After(points[believed[at-1]].Created.Add(clockTolerance)) ||
			at < len(believed) && point.Created.Before(points[believed[at]].Created.Add(-clockTolerance))
	}
	return wrong
}

// longestRun returns the indices, newest first, of the longest run of points whose
// times never grow from one to the next older one.
func longestRun(points []appbur.RestorePoint) []int {
	// run is the best one that ends with a point, seen from the oldest on.
	type run struct {
		length int
		start  time.Time
		before int
	}
	runs := make([]run, len(points))
	best := -1
	for i := len(points) - 1; i >= 0; i-- {
		end := points[i].Created
		runs[i] = run{1, end, -1}
		for older := i + 1; older < len(points); older++ {
			longer := run{runs[older].length + 1, runs[older].start, older}
			if points[older].Created.After(end) || longer.length < runs[i].length {
				continue
			}
			if longer.length > runs[i].length || longer.start.After(runs[i].start) {
				runs[i] = longer
			}
		}
		if best < 0 || cmp.Or(cmp.Compare(runs[i].length, runs[best].length),
			cmp.Compare(points[best].Created.Sub(runs[best].start), end.Sub(runs[i].start)), points[best].Created.Compare(end)) > 0 {
			best = i
		}
	}

	var indices []int
	for i := best; i >= 0; i = runs[i].before {
		indices = append(indices, i)
	}
	return indices
}
