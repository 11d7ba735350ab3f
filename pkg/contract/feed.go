package contract

import (
	"errors"
	"io"
)

// feed reads a spooled payload, brings its rows to the current schema, checks
// them, and hands them to the application one by one.
type feed struct {
	dataset   string
	announced totals
	lines     *lines
	upcaster  *upcaster
	order     *sequence
	unknown   *unknownFields
	defaults  *defaults
	progress  func(rows int64)
	maxRow    int64

	// out counts rows as an export will write them.
	out *tally
	// read counts rows of the payload.
	read int64
	// ended says that the application saw the end of the rows.
	ended bool
	// failure is what is wrong with the rows.
	failure error
}

func newFeed(p *importPart, progress func(int64)) *feed {
	return &feed{
		dataset: p.definition.Name, announced: p.announced, lines: newLines(p.file, p.definition.maxRow),
		upcaster: newUpcaster(p.chain, p.definition.Sensitive()), unknown: newUnknownFields(p.definition),
		defaults: newDefaults(p.definition),
		order:    &sequence{order: newKeyOrder(p.definition.Key)}, progress: progress, out: newTally(), maxRow: p.definition.maxRow,
	}
}

// rows is what the application ranges over.
func (f *feed) rows(yield func(Row, error) bool) {
	for f.failure == nil {
		row, err := f.next()
		switch {
		case errors.Is(err, io.EOF):
			f.ended = true
			return
		case err != nil:
			f.failure = err
			yield(nil, err)
			return
		case row == nil:
			continue
		}
		f.progress(f.out.rows)
		if !yield(row, nil) {
			return
		}
	}
}

// next returns the next row in canonical form and current schema, nil for a row
// that a step dropped, and io.EOF after the last.
func (f *feed) next() (Row, error) {
	line, err := f.lines.next()
	switch {
	case errors.Is(err, io.EOF):
		if f.read != f.announced.rows {
			return nil, NewError(ReasonPayloadInvalid, "dataset %s: the payload has %d rows, %d were announced", f.dataset, f.read,
				f.announced.rows).
				With("dataset", f.dataset)
		}
		return nil, io.EOF
	case errors.Is(err, errRowTooLong):
		return nil, rowError(ReasonTooLarge, f.dataset, f.read+1, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, rowError(ReasonPayloadInvalid, f.dataset, f.read+1, errors.New("it is not ended by a line feed"))
	case err != nil:
		return nil, spoolError(err)
	}

	f.read++
	row, err := Canonical(line)
	if err == nil {
		row, err = f.upcaster.row(row)
	}
	if err == nil && row != nil {
		row, err = f.unknown.row(row)
	}

	if err == nil && row != nil {
		row, err = f.defaults.row(row)
	}
	if err == nil && row != nil {
		err = f.order.next(row)
	}
	if err != nil {
		return nil, rowError(ReasonPayloadInvalid, f.dataset, f.read, err)
	}

	if row != nil {
		// An upcast may have made it longer than the next export could write.
		if int64(len(row)) > f.maxRow {
			return nil, rowError(ReasonTooLarge, f.dataset, f.read, tooLong(f.maxRow))
		}
		f.out.line(row)
	}

	return row, nil
}
