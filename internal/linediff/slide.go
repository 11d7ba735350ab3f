package linediff

// A run of changed lines can often slide: where a list gets an element that begins
// as its neighbour does, any of several cuts is equally short. Each choice is
// correct; readers prefer the one that follows the indentation.

// run is a stretch of changed lines, possibly empty, between two unchanged ones.
// Run n of one side and run n of the other stand for one another.
type run struct {
	side       *side
	start, end int
}

func firstRun(s *side) run {
	r := run{side: s}
	r.extend()
	return r
}

func (r *run) extend() {
	for r.end < len(r.side.changed) && r.side.changed[r.end] {
		r.end++
	}
}

func (r *run) empty() bool { return r.start == r.end }

// next goes to the following run.
func (r *run) next() bool {
	if r.end == len(r.side.ids) {
		return false
	}
	r.start, r.end = r.end+1, r.end+1
	r.extend()
	return true
}

// previous goes to the run before.
func (r *run) previous() {
	if r.start == 0 {
		return
	}
	r.end = r.start - 1
	r.start = r.end
	for r.start > 0 && r.side.changed[r.start-1] {
		r.start--
	}
}

// down slides the run by one line, if its first line equals the one after it. It
// takes in a run that it bumps into.
func (r *run) down() bool {
	s := r.side
	if r.end == len(s.ids) || s.ids[r.start] != s.ids[r.end] {
		return false
	}
	s.changed[r.start], s.changed[r.end] = false, true
	r.start++
	r.end++
	r.extend()
	return true
}

// up is down in the other direction.
func (r *run) up() bool {
	s := r.side
	if r.start == 0 || s.ids[r.start-1] != s.ids[r.end-1] {
		return false
	}
	r.start--
	r.end--
	s.changed[r.start], s.changed[r.end] = true, false
	for r.start > 0 && s.changed[r.start-1] {
		r.start--
	}
	return true
}

// maxSlide bounds how many places are compared for one run.
const maxSlide = 100

// slide moves each run of a side to its best place: beside a run of the other side,
// so that a removal and an addition become one change, else where the cut is best.
func (s *side) slide(other *side) {
	for here, there := firstRun(s), firstRun(other); ; {
		if !here.empty() {
			place(&here, &there)
		}
		if !here.next() {
			return
		}
		there.next()
	}
}

func place(here, there *run) {
	var length, earliest, beside int
	for {
		length = here.end - here.start
		beside = -1
		for here.up() {
			there.previous()
		}
		earliest = here.end
		if !there.empty() {
			beside = here.end
		}
		for here.down() {
			there.next()
			if !there.empty() {
				beside = here.end
			}
		}
		if length == here.end-here.start {
			break // no other run was taken in
		}
	}

	switch {
	case here.end == earliest: // it cannot slide
	case beside >= 0:
		for there.empty() {
			here.up()
			there.previous()
		}
	default:
		best, bestScore := -1, score{}
		for end := max(earliest, here.end-length-1, here.end-maxSlide); end <= here.end; end++ {
			sum := scoreOf(here.side.lines, end).plus(scoreOf(here.side.lines, end-length))
			if best < 0 || !bestScore.betterThan(sum) {
				best, bestScore = end, sum
			}
		}
		for here.end > best {
			here.up()
			there.previous()
		}
	}
}
