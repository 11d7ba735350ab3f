package cli

import (
	"fmt"
	"io"
	"strings"
)

// Indents of what is below a row, and of its further lines.
const (
	belowIndent = "  "
	belowHang   = "    "
)

// block is a cell as it is laid out in its column.
type block struct {
	at    int
	lines []string
	sgr   string
}

// writeRow writes the cells that have room beside one another. A copied text that is
// wider than its column ends the line, and what follows it goes on in the next one, below
// its header.
func (l *tableLayout) writeRow(w io.Writer, s *Streams, row []cell) {
	var beside []block
	flush := func() {
		writeBlocks(w, s, beside)
		beside = nil
	}

	at := 0
	for i, c := range row {
		if l.below[i] {
			continue
		}
		b := block{at: at, lines: l.fitted(i, c.text), sgr: c.sgr}
		at += l.widths[i] + columnGap

		width := textWidth(b.lines[0])
		ends := width > l.widths[i]
		if l.width > 0 && b.at+width > l.width { // the rest of the line is not enough
			flush()
			b.at, ends = aloneAt(width, l.width), true
		}
		beside = append(beside, b)
		if ends {
			flush()
		}
	}
	flush()
}

// aloneAt is where a text is put that has a line of a terminal for itself.
func aloneAt(width, terminal int) int {
	if len(belowHang)+width > terminal {
		return 0
	}
	return len(belowHang)
}

// fitted are the lines of a cell in its column.
func (l *tableLayout) fitted(i int, text string) []string {
	switch l.columns[i].fit {
	case cutting:
		return []string{cutText(text, l.widths[i])}
	case wrapping:
		return wrapText(text, l.widths[i])
	default:
		return []string{text}
	}
}

// writeBlocks writes blocks beside one another, without spaces at the end of a line and
// without empty lines.
func writeBlocks(w io.Writer, s *Streams, blocks []block) {
	height := 0
	for _, b := range blocks {
		height = max(height, len(b.lines))
	}

	for n := range height {
		var line strings.Builder
		used := 0
		for _, b := range blocks {
			if n >= len(b.lines) || b.lines[n] == "" {
				continue
			}
			line.WriteString(strings.Repeat(" ", b.at-used))
			line.WriteString(s.sgr(b.sgr, b.lines[n]))
			used = b.at + textWidth(b.lines[n])
		}
		if line.Len() > 0 {
			fmt.Fprintln(w, line.String())
		}
	}
}

// writeBelow writes the cells that have no room in their row: the short ones in one
// line, each sentence in a paragraph.
func (l *tableLayout) writeBelow(w io.Writer, row []cell) {
	var short, paragraphs []string
	for i, c := range row {
		if !l.below[i] || c.text == "" {
			continue
		}
		text := l.columns[i].name + ": " + c.text
		if l.columns[i].fit == wrapping {
			paragraphs = append(paragraphs, text)
		} else {
			short = append(short, text)
		}
	}

	if len(short) > 0 {
		paragraphs = append([]string{strings.Join(short, ", ")}, paragraphs...)
	}
	for _, text := range paragraphs {
		indent := belowIndent
		for _, line := range wrapText(text, l.width-len(belowHang)) {
			fmt.Fprintln(w, indent+line)
			indent = belowHang
		}
	}
}
