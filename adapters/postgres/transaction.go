package postgres

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// Begin opens the transaction of an import and locks all configured tables
// against everybody, readers included: foreign keys will be set aside, and an
// upgrade of the lock half-way could deadlock.
func (a *Adapter) Begin(ctx context.Context) (contract.Transaction, error) {
	s, described, err := a.begin(ctx, "ISOLATION LEVEL READ COMMITTED READ WRITE", "ACCESS EXCLUSIVE")
	if err != nil {
		return nil, err
	}
	return &transaction{adapter: a, session: s, tables: described, positions: map[string][]appbur.Position{}}, nil
}

type transaction struct {
	adapter  *Adapter
	session  *session
	tables   map[string]*table
	replaced []replacement
	keys     []foreignKey // dropped, to be added again
	loose    []loose      // dropped, to be added again
	triggers []trigger    // disabled, to be enabled again
	// positions of sequences that came with the payloads, by dataset.
	positions map[string][]appbur.Position
}

var _ contract.PositionTransaction = (*transaction)(nil)

// replacement is a table whose rows were written, and their sum.
type replacement struct {
	table   *table
	columns []tables.Column
	written *tables.Checksum
}

// Replace deletes all rows of one table and copies the given ones.
func (tx *transaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	t, ok := tx.tables[dataset]
	if !ok {
		return tables.UnknownDataset(dataset)
	}
	if err := tx.setAside(ctx, t); err != nil {
		return t.failed(err, "preparing")
	}
	if err := tx.session.exec(ctx, "DELETE FROM "+t.from()); err != nil {
		return t.failed(err, "clearing")
	}
	source := newCopySource(t, rows)
	defer source.close()
	columns, err := source.columns()
	if err != nil {
		return err
	}

	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	if source.rows() > 0 {
		_, err = tx.session.conn.CopyFrom(ctx, source, "COPY "+t.qualified()+" ("+idents(names)+") FROM STDIN")
		source.close()
		if source.err != nil {
			return source.err // what the server says about it is only an echo
		}
		if err != nil {
			return t.failed(err, "writing")
		}
	}
	if missing := source.decoder.Missing(); len(missing) > 0 {
		tx.adapter.log.Warn("the table's defaults filled missing columns", "table", t.Schema+"."+t.Name, "columns", missing)
	}
	tx.replaced = append(tx.replaced, replacement{table: t, columns: columns, written: source.sum})
	return nil
}

// Commit puts back what was set aside, checks everything and makes it visible.
func (tx *transaction) Commit(ctx context.Context) error {
	// Deferred checks must be done before any ALTER TABLE.
	if err := tx.session.exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return failed(err, tx.sensitive(), "checking deferred constraints")
	}
	if err := tx.putBack(ctx); err != nil {
		return err
	}

	for _, r := range tx.replaced {
		if err := tx.continueSequences(ctx, r.table); err != nil {
			return r.table.failed(err, "moving the sequences of")
		}
		if err := tx.verify(ctx, r); err != nil {
			return err
		}
	}

	if err := tx.session.exec(ctx, "COMMIT"); err != nil {
		return failed(err, tx.sensitive(), "committing")
	}
	tx.session.close()
	return nil
}

// Rollback leaves the database as it was.
func (tx *transaction) Rollback(ctx context.Context) error {
	defer tx.session.close()
	if tx.session.conn.IsClosed() {
		return nil // the server rolls back what a lost connection leaves
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := tx.session.exec(ctx, "ROLLBACK"); err != nil {
		return failed(err, tx.sensitive(), "rolling back")
	}
	return nil
}

// errVerify is a table that does not hold what was written.
var errVerify = errors.New("what the table holds after the import differs from the payload")

// verify reads a replaced table again. A server may take a value and store
// another one without an error: numeric is rounded to its scale, varchar(n) loses
// blanks, a partition's trigger may have run.
func (tx *transaction) verify(ctx context.Context, r replacement) error {
	stored := tables.NewChecksum(r.columns)
	if len(r.columns) > 0 {
		err := tx.session.stream(ctx, r.table.selectRows(r.columns), func(values [][]byte) error {
			if err := unhex(r.columns, values); err != nil {
				return err
			}
			return stored.Add(values)
		})
		if err != nil {
			return r.table.failed(err, "reading again")
		}
	}

	where := r.table.Schema + "." + r.table.Name
	if stored.Rows() != r.written.Rows() {
		return contract.NewError(contract.ReasonVerifyFailed, "table %s: %w: %d rows were written, %d are there", where, errVerify,
			r.written.Rows(), stored.Rows())
	}
	if column := stored.Differs(r.written); column != "" {
		return contract.NewError(contract.ReasonVerifyFailed, "table %s, column %s: %w", where, column, errVerify).With("column", column)
	}
	return nil
}
