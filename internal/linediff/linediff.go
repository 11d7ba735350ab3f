package linediff

import "bytes"

// Hunk says that the lines [A, AEnd) of the old text became the lines [B, BEnd) of
// the new one. Lines count from 0. One of the two ranges may be empty.
type Hunk struct {
	A, AEnd int
	B, BEnd int
}

// Lines cuts a text after each line break. The last line may be without one.
func Lines(text []byte) [][]byte {
	lines := make([][]byte, 0, bytes.Count(text, []byte("\n"))+1)
	for line := range bytes.Lines(text) {
		lines = append(lines, line)
	}
	return lines
}

// Compare returns where two texts differ, in order. Between two hunks, and before
// the first and after the last, the lines are equal.
func Compare(a, b [][]byte) []Hunk {
	from, to := newSides(a, b)
	// Almost every comparison is of two texts that differ in a few places.
	start := 0
	for start < len(from.ids) && start < len(to.ids) && from.ids[start] == to.ids[start] {
		start++
	}
	fromEnd, toEnd := len(from.ids), len(to.ids)
	for fromEnd > start && toEnd > start && from.ids[fromEnd-1] == to.ids[toEnd-1] {
		fromEnd--
		toEnd--
	}
	search(from.candidates(to, start, fromEnd), to.candidates(from, start, toEnd))
	from.slide(to)
	to.slide(from)
	return hunks(from, to)
}

// hunks reads what was marked.
func hunks(from, to *side) []Hunk {
	var list []Hunk
	for i, j := 0, 0; i < len(from.ids) || j < len(to.ids); {
		if i < len(from.ids) && j < len(to.ids) && !from.changed[i] && !to.changed[j] {
			i++
			j++
			continue
		}
		h := Hunk{A: i, B: j}
		for i < len(from.ids) && from.changed[i] {
			i++
		}
		for j < len(to.ids) && to.changed[j] {
			j++
		}
		h.AEnd, h.BEnd = i, j
		list = append(list, h)
	}
	return list
}
