package mysql

import (
	"context"
	"strconv"
	"strings"

	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// The size of one INSERT. Escaping may double a value, so a statement stays below
// 1 MiB; the server parses a statement of this size no slower per row than a
// larger one.
const (
	batchBytes = 512 << 10
	batchRows  = 2000
)

// batch collects rows into INSERT statements of many rows.
type batch struct {
	session *session
	table   *table
	columns []tables.Column
	numbers []bool
	prefix  string
	row     string // "(?, ?)"
	limit   int

	args  []any
	rows  int
	bytes int
	done  int64 // rows of earlier statements
}

func newBatch(ctx context.Context, s *session, t *table, columns []tables.Column) (*batch, error) {
	packet, err := s.query(ctx, "SELECT @@max_allowed_packet")
	if err != nil {
		return nil, t.failed(err, "preparing")
	}
	allowed, err := strconv.Atoi(packet[0][0])
	if err != nil {
		return nil, t.failed(err, "preparing")
	}
	b := &batch{session: s, table: t, columns: columns, limit: min(batchBytes, allowed/4)}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
		b.numbers = append(b.numbers, t.numbers[c.Name])
	}
	b.prefix = "INSERT INTO " + t.qualified() + " (" + idents(names) + ") VALUES "
	b.row = "(" + strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + ")"
	return b, nil
}

// add takes one row of server texts; the values may change after the call.
func (b *batch) add(ctx context.Context, values [][]byte) error {
	size := 0
	for _, value := range values {
		size += len(value) + 4
	}
	if b.rows > 0 && (b.bytes+size > b.limit || b.rows >= batchRows) {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	for i, value := range values {
		b.args = append(b.args, b.arg(i, value))
	}
	b.rows++
	b.bytes += size
	return nil
}

// arg turns a value into what the driver writes as the right kind of literal.
func (b *batch) arg(i int, value []byte) any {
	switch {
	case value == nil:
		return nil
	case b.columns[i].Form == tables.Bytes:
		return append([]byte{}, value...) // a binary literal, also when empty
	case b.columns[i].Form == tables.Bool || b.numbers[i]:
		if n, err := strconv.ParseUint(string(value), 10, 64); err == nil {
			return n // a bit field takes the text "5" for the character 5
		}
	}
	if b.columns[i].Form == tables.Float32 {
		return exactFloat(value)
	}
	return string(value) // the server reads numbers from text exactly
}

// exactFloat writes a number of 32 bits with the digits that it has among those of 64.
// The server compares what it reads with the limits of the type before it rounds, so
// the shortest text of the largest FLOAT, 3.4028235e38, would be too large for it.
func exactFloat(text []byte) string {
	v, err := strconv.ParseFloat(string(text), 32)
	if err != nil {
		return string(text) // the server says what is wrong with it
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// flush writes the collected rows. A warning is an error: in strict mode few are
// left, and each of them is a value that was changed.
func (b *batch) flush(ctx context.Context) error {
	if b.rows == 0 {
		return nil
	}
	sql := b.prefix + strings.TrimSuffix(strings.Repeat(b.row+", ", b.rows), ", ")
	if err := b.session.exec(ctx, sql, b.args...); err != nil {
		return b.table.failedAt(err, b.done, b.rows)
	}
	warnings, err := b.session.query(ctx, "SHOW WARNINGS LIMIT 1")
	if err != nil {
		return b.table.failed(err, "reading the warnings about")
	}

	if len(warnings) > 0 {
		text := "; its message is withheld because the table is sensitive"
		if !b.table.Sensitive {
			text = ": " + warnings[0][2]
		}
		return contract.NewError(contract.ReasonPayloadInvalid, "writing table %s: the server warned (%s)%s", b.table, warnings[0][1], text).
			With("dataset", b.table.Dataset)
	}

	clear(b.args)
	b.done += int64(b.rows)
	b.args, b.rows, b.bytes = b.args[:0], 0, 0
	return nil
}
