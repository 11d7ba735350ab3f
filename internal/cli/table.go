package cli

import (
	"fmt"
	"io"
	"strings"
)

// table prints rows: for a person aligned and as wide as the terminal, for a pipe with
// tabs between the columns and nothing shortened, so that `cut` and `awk -F'\t'` find a
// column also where cells are empty or have spaces. Both have a header unless
// --no-headers was given. Without rows nothing is printed.
type table struct {
	streams   *Streams
	noHeaders bool
	columns   []column
	rows      [][]cell
}

// cell is text and the colour it has on a terminal.
type cell struct {
	text string
	sgr  string
}

func plain(text string) cell         { return cell{text: text} }
func coloured(sgr, text string) cell { return cell{text: text, sgr: sgr} }
func number(n int) cell              { return cell{text: fmt.Sprint(n)} }

// newTable begins a table of the given columns.
func (e *env) newTable(columns ...column) *table {
	return &table{streams: e.Streams, noHeaders: e.noHeaders, columns: columns}
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer) { t.printWith(w, func(int) {}) }

// printWith is print that calls a function after each row, for what belongs below it.
func (t *table) printWith(w io.Writer, after func(row int)) {
	if len(t.rows) == 0 {
		return
	}
	write := t.writePiped
	if t.streams.OutTerminal {
		write = t.writeFitted()
	}

	if !t.noHeaders {
		header := make([]cell, len(t.columns))
		for i, c := range t.columns {
			header[i] = coloured(sgrBold, strings.ToUpper(c.name))
		}
		write(w, header, true)
	}
	for i, row := range t.rows {
		write(w, row, false)
		after(i)
	}
}

// What keeps a cell from adding columns or rows for who reads a pipe.
var (
	oneColumn = strings.NewReplacer("\n", " ", "\r", " ", "\t", " ")
	oneRow    = strings.NewReplacer("\n", " ", "\r", " ")
)

// writePiped writes a row for a program.
func (t *table) writePiped(w io.Writer, row []cell, _ bool) {
	texts := make([]string, len(row))
	for i, c := range row {
		texts[i] = oneColumn.Replace(c.text)
		if t.columns[i].tabs {
			texts[i] = oneRow.Replace(c.text)
		}
	}
	fmt.Fprintln(w, strings.Join(texts, "\t"))
}

// writeFitted returns what writes a row for a person.
func (t *table) writeFitted() func(w io.Writer, row []cell, header bool) {
	natural := make([]int, len(t.columns))
	for i, c := range t.columns {
		natural[i] = textWidth(c.name)
	}
	for _, row := range t.rows {
		for i, c := range row {
			row[i].text = shownText(c.text)
			natural[i] = max(natural[i], textWidth(row[i].text))
		}
	}

	layout := layOut(t.columns, natural, t.streams.Width)
	return func(w io.Writer, row []cell, header bool) {
		layout.writeRow(w, t.streams, row)
		if !header {
			layout.writeBelow(w, row)
		}
	}
}
