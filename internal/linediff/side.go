package linediff

// side is one of the two texts: a small number for each different line, how often
// each occurs, and which lines are not in the other text.
type side struct {
	lines   [][]byte
	ids     []int
	count   []int // by id
	changed []bool
}

// newSides numbers the lines of two texts; equal lines have equal numbers.
func newSides(a, b [][]byte) (from, to *side) {
	numbers := make(map[string]int, len(a)+len(b))
	number := func(lines [][]byte) *side {
		s := &side{lines: lines, ids: make([]int, len(lines)), changed: make([]bool, len(lines))}
		for i, line := range lines {
			id, known := numbers[string(line)]
			if !known {
				id = len(numbers)
				numbers[string(line)] = id
			}
			s.ids[i] = id
		}
		return s
	}

	from, to = number(a), number(b)
	for _, s := range []*side{from, to} {
		s.count = make([]int, len(numbers))
		for _, id := range s.ids {
			s.count[id]++
		}
	}

	return from, to
}

// What a line can be to the search.
type standing int

const (
	alone standing = iota // the other text does not have it
	useful
	common // the other text has so many of it that a match says little
)

const (
	// maxCommon bounds how often a line may occur and still be useful.
	maxCommon = 1024
	// neighbours is how far around a common line one looks.
	neighbours = 100
	// dilution is how many times more common lines than lonely ones a
	// neighbourhood needs to be worth matching.
	dilution = 4
)

// lineup is what the search sees of a side: the lines that could match, and where
// they are.
type lineup struct {
	side *side
	at   []int
}

// candidates picks the lines within [start, end) that are worth matching, and marks
// the others as changed. A common line among lonely ones is left out, because such
// a line (a brace, "enabled: true") ties together what does not belong together.
// git and GNU diff do the same (discard_confusing_lines).
func (s *side) candidates(other *side, start, end int) lineup {
	limit := min(roughRoot(len(s.ids)), maxCommon)
	standings := make([]standing, end)
	for i := start; i < end; i++ {
		switch n := other.count[s.ids[i]]; {
		case n == 0:
			standings[i] = alone
		case n >= limit:
			standings[i] = common
		default:
			standings[i] = useful
		}
	}

	l := lineup{side: s}
	for i := start; i < end; i++ {
		if standings[i] == useful || standings[i] == common && !confusing(standings, i, start) {
			l.at = append(l.at, i)
		} else {
			s.changed[i] = true
		}
	}

	return l
}

// confusing reports whether the common line i is among lonely lines.
func confusing(standings []standing, i, start int) bool {
	lonely, companions := 0, 2 // the line counts itself once on either side
	look := func(step, last int) bool {
		found := false
		for j := i + step; j != last && standings[j] != useful; j += step {
			if standings[j] == alone {
				found = true
				lonely++
			} else {
				companions++
			}
		}
		return found
	}

	before := look(-1, max(start, i-neighbours)-1)
	if !before {
		return false
	}
	if after := look(1, min(len(standings)-1, i+neighbours)+1); !after {
		return false
	}
	return companions*dilution < companions+lonely
}

// roughRoot is a power of two near the square root of n.
func roughRoot(n int) int {
	root := 1
	for ; n > 0; n >>= 2 {
		root <<= 1
	}
	return root
}
