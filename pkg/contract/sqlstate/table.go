package sqlstate

import (
	"context"
	"database/sql"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/jsonrows"
)

// Table is one dataset and its table.
type Table struct {
	contract.Dataset
	// Select reads all rows in key order. Mind how the database sorts text: the
	// contract wants the order of bytes, in PostgreSQL COLLATE "C".
	Select string
	// Scan turns one row of Select into the record that is exported as JSON.
	Scan func(Scanner) (any, error)
	// Delete removes all rows.
	Delete string
	// Insert writes one row; see [Inserting].
	Insert func(ctx context.Context, db Execer, row contract.Row) error
}

// Scanner is what one row of a result offers: *sql.Rows and *sql.Row.
type Scanner interface{ Scan(targets ...any) error }

// Execer is a database or a transaction on it.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// misfit is a row that is not a record.
type misfit struct{ err error }

func (m *misfit) Error() string { return m.err.Error() }
func (m *misfit) Unwrap() error { return m.err }

// Inserting makes a [Table]'s Insert out of a function that writes one record. It
// reads rows strictly, since an unknown field would be lost. T is a struct.
func Inserting[T any](insert func(context.Context, Execer, T) error) func(context.Context, Execer, contract.Row) error {
	codec, err := jsonrows.New[T]()
	return func(ctx context.Context, db Execer, row contract.Row) error {
		if err != nil {
			return err
		}
		record, err := codec.Value(row)
		if err != nil {
			return &misfit{err}
		}
		return insert(ctx, db, record)
	}
}
