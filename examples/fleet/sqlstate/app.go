package sqlstate

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/appbur/appbur/pkg/contract"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Table is one dataset and the table that holds it.
type Table struct {
	contract.Dataset
	// Select reads all rows in key order.
	Select string
	// Scan turns one row of Select into the record that is exported as JSON.
	Scan func(Scanner) (any, error)
	// Delete removes all rows.
	Delete string
	// Insert writes one row. Unknown fields are an error.
	Insert func(ctx context.Context, tx *sql.Tx, row json.RawMessage) error
}

// Scanner is what one row of a result offers.
type Scanner interface{ Scan(targets ...any) error }

// App serves the tables of one database.
type App struct {
	db     *sql.DB
	tables []Table
}

var (
	_ contract.App      = (*App)(nil)
	_ contract.Readier  = (*App)(nil)
	_ contract.Rereader = (*transaction)(nil)
)

// New makes an application out of a database.
func New(db *sql.DB, tables []Table) *App { return &App{db: db, tables: tables} }

// Datasets returns what the contract's server must announce.
func (a *App) Datasets() []contract.Dataset {
	var all []contract.Dataset
	for _, t := range a.tables {
		all = append(all, t.Dataset)
	}
	return all
}

// Ready reports whether the database answers.
func (a *App) Ready(ctx context.Context) error { return a.db.PingContext(ctx) }

// Snapshot begins a read transaction. SQLite fixes what it sees at its first
// read, so it reads something at once.
func (a *App) Snapshot(ctx context.Context) (contract.Snapshot, error) {
	tx, err := a.db.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, unavailable(err)
	}
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n); err != nil {
		return nil, errors.Join(unavailable(err), tx.Rollback())
	}
	return &snapshot{view{tx, a.tables}}, nil
}

// Begin starts the transaction of an import. Other writers wait until it ends;
// readers see the state before it.
func (a *App) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := a.db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, unavailable(err)
	}
	// References are checked at the commit, when all tables are filled.
	if _, err := tx.ExecContext(ctx, "PRAGMA defer_foreign_keys = 1"); err != nil {
		return nil, errors.Join(unavailable(err), tx.Rollback())
	}
	return &transaction{view{tx, a.tables}}, nil
}

// view reads tables within a transaction.
type view struct {
	tx     *sql.Tx
	tables []Table
}

func (v view) table(dataset string) (Table, error) {
	i := slices.IndexFunc(v.tables, func(t Table) bool { return t.Name == dataset })
	if i < 0 {
		return Table{}, contract.NewError(contract.ReasonUnknownDataset, "there is no dataset %q", dataset)
	}
	return v.tables[i], nil
}

// Rows yields the records of one table as JSON.
func (v view) Rows(ctx context.Context, dataset string) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		if err := v.read(ctx, dataset, func(row contract.Row) bool { return yield(row, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

func (v view) read(ctx context.Context, dataset string, yield func(contract.Row) bool) error {
	t, err := v.table(dataset)
	if err != nil {
		return err
	}
	rows, err := v.tx.QueryContext(ctx, t.Select)
	if err != nil {
		return fmt.Errorf("reading %s: %w", dataset, err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells how it ended
	for rows.Next() {
		record, err := t.Scan(rows)
		if err != nil {
			return fmt.Errorf("reading %s: %w", dataset, err)
		}
		row, err := json.Marshal(record)
		if err != nil {
			return fmt.Errorf("writing %s as JSON: %w", dataset, err)
		}
		if !yield(row) {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading %s: %w", dataset, err)
	}
	return nil
}

type snapshot struct{ view }

// Close ends the read transaction.
func (s *snapshot) Close() error { return s.tx.Rollback() }

// transaction also shows what it wrote, so that the contract's server compares it
// with the payload before the commit.
type transaction struct{ view }

// Replace makes the rows the whole content of the table.
func (x *transaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	t, err := x.table(dataset)
	if err != nil {
		return err
	}
	if _, err := x.tx.ExecContext(ctx, t.Delete); err != nil {
		return fmt.Errorf("clearing %s: %w", dataset, err)
	}
	n := 0
	for row, err := range rows {
		if err != nil {
			return err
		}
		n++
		if err := t.Insert(ctx, x.tx, row); err != nil {
			return rowRefused(t, n, err)
		}
	}
	return nil
}

// Commit makes the import visible.
func (x *transaction) Commit(context.Context) error {
	err := x.tx.Commit()
	if isConstraint(err) {
		return contract.NewError(contract.ReasonConstraintViolation, "rows refer to rows that are not there: %w", err)
	}
	return err
}

// Rollback leaves everything as it was.
func (x *transaction) Rollback(context.Context) error {
	if err := x.tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil // a commit that fails has rolled back already
}

// rowRefused says which row could not be written. SQLite names the constraint and
// quotes no values; what JSON decoding says may quote some.
func rowRefused(t Table, row int, err error) error {
	reason := contract.ReasonPayloadInvalid
	if isConstraint(err) {
		reason = contract.ReasonConstraintViolation
	} else if t.Sensitive {
		err = errors.New("it does not fit; the cause is withheld because the dataset is sensitive")
	}
	return contract.NewError(reason, "dataset %s: row %d: %w", t.Name, row, err).
		With("dataset", t.Name).With("row", fmt.Sprint(row))
}

func isConstraint(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}

func unavailable(err error) error {
	return contract.NewError(contract.ReasonBackendUnavailable, "opening a transaction: %w", err)
}
