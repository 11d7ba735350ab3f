package postgres

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// copySource turns rows into COPY's text format. The driver reads it from another
// goroutine, and does not wait for that goroutine when the connection breaks: only
// after [copySource.close] is the source the caller's again.
type copySource struct {
	mu     sync.Mutex // held by Read
	closed bool

	table   *table
	decoder *tables.Decoder
	sum     *tables.Checksum
	next    func() (contract.Row, error, bool)
	stop    func()   // ends next
	first   [][]byte // the decoded first row, until it is written
	buffer  []byte
	read    int // of buffer
	err     error
}

func newCopySource(t *table, rows iter.Seq2[contract.Row, error]) *copySource {
	s := &copySource{table: t, decoder: tables.NewDecoder(t.Schema+"."+t.Name, t.columns, t.Optional)}
	s.next, s.stop = iter.Pull2(rows)
	return s
}

// columns looks at the first row. A payload without rows has no columns.
func (s *copySource) columns() ([]tables.Column, error) {
	values, err := s.decode()
	if err != nil {
		return nil, err
	}
	s.first = values
	s.sum = tables.NewChecksum(s.decoder.Columns())
	return s.decoder.Columns(), nil
}

// close waits for a call of Read that is under way and lets no other begin. It may
// be called twice.
func (s *copySource) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.stop()
}

func (s *copySource) rows() int64 { return s.decoder.Rows() }

// decode returns the values of the next row, or nil at the end.
func (s *copySource) decode() ([][]byte, error) {
	raw, err, ok := s.next()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, nil
	}
	values, err := s.decoder.Decode(raw)
	if err != nil {
		return nil, tables.Refused(err, s.table.Dataset)
	}
	return values, nil
}

// fillAt is how much text is collected before it is handed to the driver.
const fillAt = 32 << 10

// Read implements [io.Reader].
func (s *copySource) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	if s.read == len(s.buffer) {
		if s.err != nil {
			return 0, s.err
		}
		s.buffer, s.read = s.buffer[:0], 0
		for len(s.buffer) < fillAt {
			values := s.first
			s.first = nil
			if values == nil {
				if values, s.err = s.decode(); s.err != nil {
					return 0, s.err
				}
			}
			if values == nil {
				break
			}
			if s.err = s.appendRow(values); s.err != nil {
				return 0, s.err
			}
		}
	}

	if len(s.buffer) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.buffer[s.read:])
	s.read += n
	return n, nil
}

func (s *copySource) appendRow(values [][]byte) error {
	columns := s.decoder.Columns()
	if err := s.sum.Add(values); err != nil {
		return fmt.Errorf("table %s: %w", s.table.Name, err)
	}

	for i, value := range values {
		if i > 0 {
			s.buffer = append(s.buffer, '\t')
		}
		switch {
		case value == nil:
			s.buffer = append(s.buffer, '\\', 'N')
		case columns[i].Form == tables.Bytes:
			s.buffer = append(s.buffer, '\\', '\\', 'x')
			s.buffer = hex.AppendEncode(s.buffer, value)
		default:
			if bytes.IndexByte(value, 0) >= 0 {
				return tables.Refused(&tables.RowError{
					Table: s.table.Schema + "." + s.table.Name, Row: s.decoder.Rows(), Column: columns[i].Name,
					Err: errors.New("the text holds the character U+0000, which PostgreSQL cannot store"),
				}, s.table.Dataset)
			}
			s.buffer = appendCopyText(s.buffer, value)
		}
	}
	s.buffer = append(s.buffer, '\n')
	return nil
}

// appendCopyText escapes what COPY's text format gives a meaning.
func appendCopyText(dst, value []byte) []byte {
	for {
		i := bytes.IndexAny(value, "\\\t\n\r")
		if i < 0 {
			return append(dst, value...)
		}
		dst = append(dst, value[:i]...)
		switch value[i] {
		case '\t':
			dst = append(dst, '\\', 't')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, '\\', '\\')
		}
		value = value[i+1:]
	}
}
