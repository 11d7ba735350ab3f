package linediff

import "math"

// usualCost is how many edits a region may need before the search takes the best
// way found so far instead of the shortest one.
const usualCost = 256

// What a diagonal holds that no way has come to, for either direction: worse than any
// point, and far enough from the end of int to be counted on.
const (
	unreached       = math.MinInt / 2
	unreachedBehind = math.MaxInt / 2
)

// search marks what has to change to turn one lineup into the other: the linear
// space form of E. Myers, "An O(ND) Difference Algorithm and Its Variations"
// (Algorithmica 1, 1986), section 4b. Ties are decided as git decides them.
func search(from, to lineup) {
	diagonals := len(from.at) + len(to.at) + 3
	m := &myers{
		from: from, to: to,
		forward: make([]int, diagonals), backward: make([]int, diagonals),
		origin: len(to.at) + 1, maxCost: max(roughRoot(diagonals), usualCost),
	}
	m.region(0, len(from.at), 0, len(to.at), false)
}

// myers holds the furthest reaching points by diagonal. Diagonal d holds the points
// whose position in from minus that in to is d, at index d+origin.
type myers struct {
	from, to          lineup
	forward, backward []int
	origin            int
	maxCost           int
}

func (m *myers) equal(i, j int) bool {
	return m.from.side.ids[m.from.at[i]] == m.to.side.ids[m.to.at[j]]
}

// region finds what changes between two ranges. minimal asks for the shortest
// answer at any price.
func (m *myers) region(i, iEnd, j, jEnd int, minimal bool) {
	for i < iEnd && j < jEnd && m.equal(i, j) {
		i++
		j++
	}

	for i < iEnd && j < jEnd && m.equal(iEnd-1, jEnd-1) {
		iEnd--
		jEnd--
	}

	switch {
	case i == iEnd:
		for ; j < jEnd; j++ {
			m.to.side.changed[m.to.at[j]] = true
		}
	case j == jEnd:
		for ; i < iEnd; i++ {
			m.from.side.changed[m.from.at[i]] = true
		}
	default:
		at := m.middle(i, iEnd, j, jEnd, minimal)
		m.region(i, at.i, j, at.j, at.minimalBefore)
		m.region(at.i, iEnd, at.j, jEnd, at.minimalAfter)
	}
}

// split is a point that the way goes through.
type split struct {
	i, j                        int
	minimalBefore, minimalAfter bool
}

// middle searches from both corners at once until the two ways meet.
func (m *myers) middle(i, iEnd, j, jEnd int, minimal bool) split {
	low, high := i-jEnd, iEnd-j // the diagonals of the region
	ahead, behind := i-j, iEnd-jEnd
	odd := (ahead-behind)&1 != 0
	f := frontier{reach: m.forward, origin: m.origin, min: ahead, max: ahead, outside: unreached}
	b := frontier{reach: m.backward, origin: m.origin, min: behind, max: behind, outside: unreachedBehind}
	f.set(ahead, i)
	b.set(behind, iEnd)

	for cost := 1; ; cost++ {
		f.widen(low, high)
		for d := f.max; d >= f.min; d -= 2 {
			x := f.get(d + 1)
			if f.get(d-1) >= x {
				x = f.get(d-1) + 1
			}
			y := x - d
			for x < iEnd && y < jEnd && m.equal(x, y) {
				x++
				y++
			}
			f.set(d, x)
			if odd && b.min <= d && d <= b.max && b.get(d) <= x {
				return split{x, y, true, true}
			}
		}
		b.widen(low, high)
		for d := b.max; d >= b.min; d -= 2 {
			x := b.get(d+1) - 1
			if b.get(d-1) <= x {
				x = b.get(d - 1)
			}
			y := x - d
			for x > i && y > j && m.equal(x-1, y-1) {
				x--
				y--
			}
			b.set(d, x)
			if !odd && f.min <= d && d <= f.max && x <= f.get(d) {
				return split{x, y, true, true}
			}
		}
		if !minimal && cost >= m.maxCost {
			return surrender(f, b, i, iEnd, j, jEnd)
		}
	}
}

// surrender returns the point furthest from its corner, of both directions.
func surrender(f, b frontier, i, iEnd, j, jEnd int) split {
	gone, goneX := -1, -1
	for d := f.max; d >= f.min; d -= 2 {
		x := min(f.get(d), iEnd)
		if x-d > jEnd {
			x = jEnd + d
		}
		if y := x - d; gone < x+y {
			gone, goneX = x+y, x
		}
	}

	left, leftX := math.MaxInt, math.MaxInt
	for d := b.max; d >= b.min; d -= 2 {
		x := max(b.get(d), i)
		if x-d < j {
			x = j + d
		}
		if y := x - d; x+y < left {
			left, leftX = x+y, x
		}
	}

	if iEnd+jEnd-left < gone-(i+j) {
		return split{goneX, gone - goneX, true, false}
	}
	return split{leftX, left - leftX, false, true}
}

// frontier is how far one direction has come on each diagonal between min and max.
type frontier struct {
	reach    []int
	origin   int
	min, max int
	outside  int // worse than any point
}

func (f *frontier) get(d int) int { return f.reach[d+f.origin] }
func (f *frontier) set(d, x int)  { f.reach[d+f.origin] = x }

// widen takes one more diagonal on either side, or one less where the region ends.
func (f *frontier) widen(low, high int) {
	if f.min > low {
		f.min--
		f.set(f.min-1, f.outside)
	} else {
		f.min++
	}
	if f.max < high {
		f.max++
		f.set(f.max+1, f.outside)
	} else {
		f.max--
	}
}
