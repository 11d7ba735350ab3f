package mysql

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
)

// Begin opens the transaction of an import.
func (a *Adapter) Begin(ctx context.Context) (contract.Transaction, error) {
	s, described, err := a.begin(ctx, "START TRANSACTION READ WRITE")
	if err != nil {
		return nil, err
	}
	// Off, a deletion neither fails on its children nor takes them along.
	if err := s.exec(ctx, "SET SESSION foreign_key_checks = 0"); err != nil {
		s.close()
		return nil, failed(err, false, "preparing the import")
	}
	return &transaction{adapter: a, session: s, tables: described, positions: map[string][]appbur.Position{}}, nil
}

type transaction struct {
	adapter  *Adapter
	session  *session
	tables   map[string]*table
	replaced []replacement
	// broken is the error after which nothing may be committed: a deadlock, for
	// one, has the server roll back, and what followed would commit by itself.
	broken error
	// positions of counters that came with the payloads, by dataset.
	positions map[string][]appbur.Position
}

var _ contract.PositionTransaction = (*transaction)(nil)

// replacement is a table whose rows were written, and their sum.
type replacement struct {
	table   *table
	columns []tables.Column
	written *tables.Checksum
}

// Replace deletes all rows of one table and inserts the given ones.
func (tx *transaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	if tx.broken != nil {
		return fmt.Errorf("an earlier step failed: %w", tx.broken)
	}
	t, ok := tx.tables[dataset]
	if !ok {
		return tables.UnknownDataset(dataset)
	}
	tx.broken = tx.replace(ctx, t, rows)
	return tx.broken
}

func (tx *transaction) replace(ctx context.Context, t *table, rows iter.Seq2[contract.Row, error]) error {
	if err := tx.refuseTriggers(ctx, t); err != nil {
		return err
	}
	if err := tx.session.exec(ctx, "DELETE FROM "+t.qualified()); err != nil {
		return t.failed(err, "clearing")
	}
	decoder := tables.NewDecoder(t.String(), t.columns, t.Optional)
	var (
		batch   *batch
		written = tables.NewChecksum(nil)
	)

	for row, err := range rows {
		if err != nil {
			return err
		}
		values, err := decoder.Decode(row)
		if err != nil {
			return tables.Refused(err, t.Dataset)
		}
		if batch == nil {
			written = tables.NewChecksum(decoder.Columns())
			if batch, err = newBatch(ctx, tx.session, t, decoder.Columns()); err != nil {
				return err
			}
		}
		if err := written.Add(values); err != nil {
			return tables.Refused(&tables.RowError{Table: t.String(), Row: decoder.Rows(), Err: err}, t.Dataset)
		}
		if err := batch.add(ctx, values); err != nil {
			return err
		}
	}
	if batch != nil {
		if err := batch.flush(ctx); err != nil {
			return err
		}
	}
	if missing := decoder.Missing(); len(missing) > 0 {
		tx.adapter.log.WarnContext(ctx, "the table's defaults filled missing columns", "table", t.String(), "columns", missing)
	}
	tx.replaced = append(tx.replaced, replacement{table: t, columns: decoder.Columns(), written: written})
	return nil
}

// refuseTriggers stops imports into tables whose triggers would run: the server
// has no way to keep them quiet, and what they do elsewhere cannot be compared.
func (tx *transaction) refuseTriggers(ctx context.Context, t *table) error {
	if t.AllowTriggers {
		return nil
	}
	rows, err := tx.session.query(ctx, `SELECT TRIGGER_NAME FROM information_schema.TRIGGERS
		WHERE CAST(EVENT_OBJECT_SCHEMA AS BINARY) = ? AND CAST(EVENT_OBJECT_TABLE AS BINARY) = ? AND EVENT_MANIPULATION IN ('INSERT', 'DELETE')`, t.Schema, t.Name)
	if err != nil {
		return t.failed(err, "reading the triggers of")
	}
	if len(rows) > 0 {
		return appbur.WithHint(contract.NewError(contract.ReasonAppFailed, "table %s has the trigger %s, which would run for every imported row",
			t, rows[0][0]),
			"drop it for the import, or accept its effects with allowTriggers: true")
	}
	return nil
}

// Commit checks everything and makes it visible.
func (tx *transaction) Commit(ctx context.Context) error {
	if tx.broken != nil {
		return fmt.Errorf("an earlier step failed: %w", tx.broken)
	}
	if err := tx.checkForeignKeys(ctx); err != nil {
		return err
	}
	for _, r := range tx.replaced {
		if err := tx.verify(ctx, r); err != nil {
			return err
		}
	}
	if err := tx.session.exec(ctx, "COMMIT"); err != nil {
		return failed(err, tx.sensitive(), "committing")
	}
	defer tx.session.close()
	return tx.continueCounters(ctx)
}

// Rollback leaves the database as it was.
func (tx *transaction) Rollback(ctx context.Context) error {
	defer tx.session.close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := tx.session.exec(ctx, "ROLLBACK"); err != nil && !connectionLost(err) {
		return failed(err, tx.sensitive(), "rolling back")
	}
	return nil // the server rolls back what a lost connection leaves
}

func (tx *transaction) sensitive() bool {
	return slices.ContainsFunc(tx.replaced, func(r replacement) bool { return r.table.Sensitive })
}

// checkForeignKeys looks for rows whose references lead nowhere, in replaced
// tables and in tables that refer to them.
func (tx *transaction) checkForeignKeys(ctx context.Context) error {
	var touched []*table
	for _, r := range tx.replaced {
		touched = append(touched, r.table)
	}
	keys, err := readForeignKeys(ctx, tx.session, touched)
	if err != nil {
		return err
	}

	for _, key := range keys {
		rows, err := tx.session.query(ctx, key.orphans())
		if err != nil {
			return failed(err, tx.sensitive(), "checking foreign key %s of table %s", key.name, key.from)
		}
		if rows[0][0] != "0" {
			return contract.NewError(contract.ReasonConstraintViolation,
				"foreign key %s: %s rows of table %s refer to rows that table %s does not have",
				key.name, rows[0][0], key.from, key.to).With("constraint", key.name)
		}
	}

	return nil
}

// errVerify is a table that does not hold what was written.
var errVerify = errors.New("what the table holds after the import differs from the payload")

// verify reads a replaced table again. The server may store another value than
// the one it was given without saying so: a column may round, a trigger may run.
func (tx *transaction) verify(ctx context.Context, r replacement) error {
	stored := tables.NewChecksum(r.columns)
	sql := "SELECT 1 FROM " + r.table.qualified() + " LIMIT 1" // a payload without rows
	if len(r.columns) > 0 {
		sql = r.table.selectRows(r.columns)
	}
	err := tx.session.stream(ctx, sql, func(values [][]byte) error {
		return stored.Add(values[:len(r.columns)])
	})
	if err != nil {
		return r.table.failed(err, "reading again")
	}

	if stored.Rows() != r.written.Rows() {
		return contract.NewError(contract.ReasonVerifyFailed, "table %s: %w: %d rows were written, %d are there", r.table, errVerify,
			r.written.Rows(), stored.Rows())
	}
	if column := stored.Differs(r.written); column != "" {
		return contract.NewError(contract.ReasonVerifyFailed, "table %s, column %s: %w", r.table, column, errVerify).With("column", column)
	}
	return nil
}
