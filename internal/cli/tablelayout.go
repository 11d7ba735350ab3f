package cli

import "slices"

const (
	// columnGap is the space between columns.
	columnGap = 2
	// narrowest is the terminal that tables are laid out for when a narrower one claims to
	// be there.
	narrowest = 24
)

// tableLayout is how a table is laid out on a terminal.
type tableLayout struct {
	columns []column
	// widths are those of the columns. Copied texts may be wider than their column.
	widths []int
	// below says of each column that it has no room in the row and is below it.
	below []bool
	// width is that of the terminal, 0 without a limit.
	width int
}

// layOut fits columns whose widest cells have the given widths into a terminal.
func layOut(columns []column, natural []int, width int) tableLayout {
	l := tableLayout{columns: columns, widths: slices.Clone(natural), below: make([]bool, len(columns)), width: width}
	if width <= 0 {
		return l
	}
	l.width = max(width, narrowest)

	for !l.shrink(natural) {
		next := l.first(func(c column) bool { return c.fit != copied })
		if next < 0 {
			break
		}
		l.below[next] = true
	}
	return l
}

// first is the column of the lowest rank that is in the row and fits the condition,
// or -1.
func (l *tableLayout) first(condition func(column) bool) int {
	found := -1
	for i, c := range l.columns {
		if !l.below[i] && condition(c) && (found < 0 || c.rank < l.columns[found].rank) {
			found = i
		}
	}
	return found
}

// shrink narrows the columns of the row from their natural widths until they fit, and
// says whether they do.
func (l *tableLayout) shrink(natural []int) bool {
	copy(l.widths, natural)
	excess := -columnGap - l.width
	for i, width := range natural {
		if !l.below[i] {
			excess += columnGap + width
		}
	}
	give := func(i, least int) {
		least = max(least, textWidth(l.columns[i].name))
		given := max(0, min(excess, l.widths[i]-least))
		l.widths[i] -= given
		excess -= given
	}

	// One very long name does not make all other columns narrow.
	for i, c := range l.columns {
		if !l.below[i] && c.fit == copied {
			give(i, max(l.leastOf(i), l.width/2))
		}
	}
	for _, i := range l.byRank() {
		give(i, l.leastOf(i))
	}
	return excess <= 0
}

// leastOf is the width below which a column does not go while it is in the row.
func (l *tableLayout) leastOf(i int) int {
	if c := l.columns[i]; c.fit != whole && c.least > 0 {
		return min(l.widths[i], c.least)
	}
	return l.widths[i]
}

// byRank are the columns of the row in the order in which they give way; what people
// copy is last.
func (l *tableLayout) byRank() []int {
	var order []int
	for i := range l.columns {
		if !l.below[i] {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return l.rankOf(a) - l.rankOf(b) })
	return order
}

func (l *tableLayout) rankOf(i int) int {
	if l.columns[i].fit == copied {
		return len(l.columns) + 1
	}
	return l.columns[i].rank
}
