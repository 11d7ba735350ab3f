package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table prints rows: aligned under a header for a person, separated by tabs
// without a header for a pipe, so that `cut` and `awk` work on it.
type table struct {
	streams *Streams
	header  []string
	rows    [][]cell
}

// cell is text and the colour it has on a terminal.
type cell struct {
	text string
	sgr  string
}

func plain(text string) cell         { return cell{text: text} }
func coloured(sgr, text string) cell { return cell{text: text, sgr: sgr} }
func number(n int) cell              { return cell{text: fmt.Sprint(n)} }
func newTable(s *Streams, header ...string) *table {
	return &table{streams: s, header: header}
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) { t.printWith(w, func(int) {}) }

// printWith is print that calls a function after each row, for what belongs below it.
func (t *table) printWith(w io.Writer, after func(row int)) {
	if !t.streams.OutTerminal {
		for i, row := range t.rows {
			texts := make([]string, len(row))
			for i, c := range row {
				texts[i] = c.text
			}
			fmt.Fprintln(w, strings.Join(texts, "\t"))
			after(i)
		}
		return
	}
	widths := make([]int, len(t.header))
	for i, h := range t.header {
		widths[i] = utf8.RuneCountInString(h)
	}
	for _, row := range t.rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	header := make([]cell, len(t.header))
	for i, h := range t.header {
		header[i] = coloured(sgrBold, strings.ToUpper(h))
	}
	for n, row := range append([][]cell{header}, t.rows...) {
		var line strings.Builder
		for i, c := range row {
			line.WriteString(t.streams.sgr(c.sgr, c.text))
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		fmt.Fprintln(w, line.String())
		if n > 0 {
			after(n - 1)
		}
	}
}
