package pieces

import (
	"bytes"

	"github.com/appbur/appbur"
)

// rowSplitter cuts before the row whose key has the greatest hash among all that
// begin between Least and Greatest. So a cut depends on the keys around it, not on
// values, and not on how large rows are; one that stays the greatest of its
// neighbourhood stays a cut when rows before it come and go. There are no cuts by
// force, which would shift all that follow.
type rowSplitter struct {
	layout appbur.Layout
	key    KeyFields
	seed   uint64

	buffer []byte
	// rows are the complete rows in the buffer; what follows their end is a begun one.
	rows    []rowMark
	whole   int
	scratch []byte
}

// rowMark is where a row begins, and the hash that speaks for a cut there.
type rowMark struct {
	start int
	hash  uint64
}

func newRowSplitter(layout appbur.Layout, fields []string, seed uint64) (*rowSplitter, error) {
	key, err := NewKeyFields(fields)
	return &rowSplitter{layout: layout, key: key, seed: seed}, err
}

func (s *rowSplitter) Split(data []byte, emit func(Piece) error) error {
	for len(data) > 0 {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			s.buffer = append(s.buffer, data...)
			return nil
		}
		s.buffer = append(s.buffer, data[:i+1]...)
		data = data[i+1:]
		if err := s.row(emit); err != nil {
			return err
		}
	}
	return nil
}

// row takes the row that has just ended, and cuts while there is too much.
func (s *rowSplitter) row(emit func(Piece) error) error {
	start := s.whole
	s.whole = len(s.buffer)
	s.rows = append(s.rows, rowMark{start, s.hash(s.buffer[start:])})
	for s.whole > s.layout.Greatest {
		if err := s.cut(s.place(), emit); err != nil {
			return err
		}
	}
	return nil
}

func (s *rowSplitter) hash(row []byte) uint64 {
	key, ok := s.key.AppendKey(s.scratch[:0], row)
	s.scratch = key
	if !ok {
		key = row
	}
	return hashKey(s.seed, key)
}

// place chooses which row begins the next piece; the number of rows decides the
// end of the buffer.
func (s *rowSplitter) place() int {
	best, found := 0, false
	for i, row := range s.rows {
		if row.start < s.layout.Least || row.start > s.layout.Greatest {
			continue
		}
		if !found || row.hash > s.rows[best].hash {
			best, found = i, true
		}
	}
	switch {
	case found:
		return best
	case len(s.rows) > 1:
		return len(s.rows) - 1 // a very large row follows a few small ones
	default:
		return 1 // it is a very large row
	}
}

// cut emits the rows before the given one.
func (s *rowSplitter) cut(row int, emit func(Piece) error) error {
	at := s.whole
	if row < len(s.rows) {
		at = s.rows[row].start
	}
	cut := Piece{Data: bytes.Clone(s.buffer[:at])}
	first := cut.Data
	if len(s.rows) > 1 {
		first = cut.Data[:min(s.rows[1].start, at)]
	}

	if cut.Start, cut.Keyed = s.key.AppendKey(nil, first); !cut.Keyed {
		cut.Start = first
	}
	s.buffer = s.buffer[:copy(s.buffer, s.buffer[at:])]
	s.whole -= at
	s.rows = s.rows[:copy(s.rows, s.rows[row:])]
	for i := range s.rows {
		s.rows[i].start -= at
	}
	return emit(cut)
}

func (s *rowSplitter) Flush(emit func(Piece) error) error {
	if len(s.buffer) > s.whole {
		if err := s.row(emit); err != nil {
			return err
		}
	}
	if len(s.buffer) == 0 {
		return nil
	}
	return s.cut(len(s.rows), emit)
}
