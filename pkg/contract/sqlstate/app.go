package sqlstate

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/appbur/appbur/pkg/contract"
)

// App serves the tables of one database.
type App struct {
	db      *sql.DB
	dialect Dialect
	tables  []Table
}

var (
	_ contract.App          = (*App)(nil)
	_ contract.Readier      = (*App)(nil)
	_ contract.Rereader     = (*transaction)(nil)
	_ contract.Precommitter = (*transaction)(nil)
)

// New makes an application out of a database, which stays the caller's to close.
func New(db *sql.DB, dialect Dialect, tables ...Table) *App {
	return &App{db: db, dialect: dialect, tables: slices.Clone(tables)}
}

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

// Snapshot begins a read transaction.
func (a *App) Snapshot(ctx context.Context) (contract.Snapshot, error) {
	v, err := a.begin(ctx, &a.dialect.Snapshot, a.dialect.OpenSnapshot)
	if err != nil {
		return nil, err
	}
	return &snapshot{v}, nil
}

// Begin starts the transaction of an import.
func (a *App) Begin(ctx context.Context) (contract.Transaction, error) {
	v, err := a.begin(ctx, nil, a.dialect.OpenImport)
	if err != nil {
		return nil, err
	}
	return &transaction{v}, nil
}

// begin opens a transaction that does not end with ctx: what was begun is ended in
// so many words, by Close, Commit or Rollback.
func (a *App) begin(ctx context.Context, o *sql.TxOptions, statements []string) (view, error) {
	tx, err := a.db.BeginTx(context.WithoutCancel(ctx), o)
	if err != nil {
		return view{}, unavailable(err)
	}
	for _, statement := range statements {
		if err := run(ctx, tx, statement); err != nil {
			return view{}, errors.Join(unavailable(err), tx.Rollback())
		}
	}
	return view{tx, a}, nil
}

// run executes a statement and reads its result, if it has one, to the end:
// some databases do the work only then.
func run(ctx context.Context, tx *sql.Tx, statement string) error {
	rows, err := tx.QueryContext(ctx, statement)
	if err != nil {
		return err
	}
	for more := rows.Next(); more; more = rows.Next() {
		continue // what it says does not matter
	}
	return errors.Join(rows.Err(), rows.Close())
}

// view reads tables within a transaction.
type view struct {
	tx  *sql.Tx
	app *App
}

func (v view) table(dataset string) (Table, error) {
	i := slices.IndexFunc(v.app.tables, func(t Table) bool { return t.Name == dataset })
	if i < 0 {
		return Table{}, contract.NewError(contract.ReasonUnknownDataset, "there is no dataset %q", dataset)
	}
	return v.app.tables[i], nil
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
	defer func() { _ = rows.Close() }() // rows.Err shows how it ended

	for rows.Next() {
		record, err := t.Scan(rows)
		if err != nil {
			return fmt.Errorf("reading %s: %w", dataset, err)
		}
		row, err := json.Marshal(record)
		if err != nil {
			return fmt.Errorf("writing %s as JSON: a record cannot be written", dataset)
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

// Replace makes the rows the complete content of the table.
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
			return x.refused(t, n, err)
		}
	}
	return nil
}

// Precommit looks for deferred constraints that are violated, which else only the commit
// would.
func (x *transaction) Precommit(ctx context.Context) error {
	if x.app.dialect.Precommit == nil {
		return nil
	}
	return x.ended(x.app.dialect.Precommit(ctx, x.tx))
}

// Commit makes the import visible.
func (x *transaction) Commit(context.Context) error { return x.ended(x.tx.Commit()) }

// ended is what a commit says. A deferred constraint that it violates is one of rows that
// cannot be identified any more.
func (x *transaction) ended(err error) error {
	if errors.Is(err, errDangling) {
		return contract.NewError(contract.ReasonConstraintViolation, "rows refer to rows that are not there")
	}
	if err != nil && x.app.violates(err) {
		return contract.NewError(contract.ReasonConstraintViolation, "rows refer to rows that are not there%s", x.detail(err))
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

func (a *App) violates(err error) bool {
	return a.dialect.Constraint != nil && a.dialect.Constraint(err)
}

// refused says which row could not be written. Drivers quote values as they like.
func (x *transaction) refused(t Table, row int, err error) error {
	var misfit *misfit
	reason, what := contract.ReasonAppFailed, "it cannot be written: %w"
	switch {
	case errors.As(err, &misfit):
		reason, what = contract.ReasonPayloadInvalid, "%w"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case x.app.violates(err):
		reason, what = contract.ReasonConstraintViolation, "it violates a constraint: %w"
	}
	if t.Sensitive() && misfit == nil {
		err = errors.New("the cause is withheld because the dataset is sensitive")
	}
	return contract.NewError(reason, "dataset %s: row %d: "+what, t.Name, row, err).
		With("dataset", t.Name).With("row", strconv.Itoa(row))
}

// detail is what the driver says about a commit, unless it might quote a value of a
// sensitive dataset.
func (x *transaction) detail(err error) string {
	if slices.ContainsFunc(x.app.tables, func(t Table) bool { return t.Sensitive() }) {
		return ""
	}
	return ": " + err.Error()
}

func unavailable(err error) error {
	return contract.NewError(contract.ReasonBackendUnavailable, "opening a transaction: %w", err)
}
