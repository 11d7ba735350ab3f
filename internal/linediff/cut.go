package linediff

// The weights by which git judges a cut between two lines (diff.indentHeuristic,
// on by default since 2.14). They were fitted to thousands of diffs that people had
// judged (github.com/mhagger/diff-slider-tools). They are kept as they are: what
// counts is that both tools choose the same place.
const (
	weightIndent       = 60  // less indentation beats everything else
	costFileStart      = 1   // before the first line
	costFileEnd        = 21  // after the last line
	perBlank           = -30 // for each blank line at the cut: they part what does not belong together
	perBlankAfter      = 6   // blank lines are better above the cut than below
	costDeeper         = -4  // the line below the cut is indented more than the one above
	costDeeperBlank    = 10
	costShallower      = 24 // less, and the line after it more again
	costShallowerBlank = 17
	costDedent         = 23 // less
	costDedentBlank    = 17
)

const (
	maxIndent = 200
	maxBlanks = 20
	tabWidth  = 8
)

// score judges cuts. Two cuts, before and after a run, are judged together.
type score struct {
	indent  int
	penalty int
}

func (s score) plus(t score) score { return score{s.indent + t.indent, s.penalty + t.penalty} }

func (s score) betterThan(t score) bool {
	order := 0
	switch {
	case s.indent > t.indent:
		order = 1
	case s.indent < t.indent:
		order = -1
	}
	return weightIndent*order+s.penalty-t.penalty < 0
}

// blank is the indentation of a line that has nothing but white space, and of none.
const blank = -1

func indentOf(line []byte) int {
	indent := 0
	for _, c := range line {
		switch c {
		case ' ':
			indent++
		case '\t':
			indent += tabWidth - indent%tabWidth
		case '\n', '\v', '\f', '\r':
		default:
			return indent
		}
		if indent >= maxIndent {
			return maxIndent
		}
	}
	return blank
}

// nearest returns the indentation of the first line that is not blank, from one
// line on in one direction, and how many blank lines come before it.
func nearest(lines [][]byte, from, step int) (indent, blanks int) {
	for i := from; i >= 0 && i < len(lines); i += step {
		if indent := indentOf(lines[i]); indent != blank {
			return indent, blanks
		}
		if blanks++; blanks == maxBlanks {
			return 0, blanks
		}
	}
	return blank, blanks
}

// scoreOf judges a cut before line at.
func scoreOf(lines [][]byte, at int) score {
	indent := blank
	if at < len(lines) {
		indent = indentOf(lines[at])
	}
	above, blanksAbove := nearest(lines, at-1, -1)
	below, blanksBelow := nearest(lines, at+1, 1)
	var s score
	if above == blank && blanksAbove == 0 {
		s.penalty += costFileStart
	}

	if at >= len(lines) {
		s.penalty += costFileEnd
	}
	after := 0
	if indent == blank {
		after = 1 + blanksBelow
		indent = below
	}
	blanks := blanksAbove + after
	s.penalty += perBlank*blanks + perBlankAfter*after
	s.indent = indent

	choose := func(plain, withBlanks int) int {
		if blanks > 0 {
			return withBlanks
		}
		return plain
	}

	switch {
	case indent == blank || above == blank || indent == above:
	case indent > above:
		s.penalty += choose(costDeeper, costDeeperBlank)
	case below != blank && below > indent:
		s.penalty += choose(costShallower, costShallowerBlank)
	default:
		s.penalty += choose(costDedent, costDedentBlank)
	}

	return s
}
