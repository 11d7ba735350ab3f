package sqlstate

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// Dialect is how one kind of database does what the standard library has no words for.
type Dialect struct {
	// Snapshot are the options of the transaction of an export. They must make it
	// see one moment.
	Snapshot sql.TxOptions
	// OpenSnapshot are statements that begin an export, for example to fix what a
	// database shows only from its first read on.
	OpenSnapshot []string
	// OpenImport are statements that begin an import, for example to check foreign
	// keys at the commit only, when all tables are filled.
	OpenImport []string
	// Precommit fails if the commit of an import would: where constraints are deferred, a
	// dry run would not notice that they are violated. It may be nil.
	Precommit func(ctx context.Context, tx *sql.Tx) error
	// Constraint reports whether an error of the driver is a violated constraint.
	Constraint func(error) bool
}

// SQLite is for drivers whose errors have the method Code, such as
// modernc.org/sqlite. Use WAL mode, so that exports and writers do not wait for one
// another.
var SQLite = Dialect{
	Snapshot: sql.TxOptions{ReadOnly: true},
	// The first read fixes what the transaction sees.
	OpenSnapshot: []string{"SELECT count(*) FROM sqlite_schema"},
	OpenImport:   []string{"PRAGMA defer_foreign_keys = 1"},
	Precommit:    sqlitePrecommit,
	Constraint:   sqliteConstraint,
}

// Postgres is for drivers whose errors have the method SQLState, such as pgx and
// lib/pq. Foreign keys must be DEFERRABLE, or else tables be cleared by hand in the
// right order.
var Postgres = Dialect{
	Snapshot:     sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	OpenSnapshot: []string{"SELECT 1"},
	OpenImport:   []string{"SET CONSTRAINTS ALL DEFERRED"},
	Precommit:    postgresPrecommit,
	Constraint:   postgresConstraint,
}

// errDangling says that a foreign key is violated.
var errDangling = errors.New("rows refer to rows that are not there")

func sqlitePrecommit(ctx context.Context, tx *sql.Tx) error {
	var dangling bool
	err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pragma_foreign_key_check)").Scan(&dangling)
	if err == nil && dangling {
		return errDangling
	}
	return err
}

func postgresPrecommit(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "SET CONSTRAINTS ALL IMMEDIATE")
	return err
}

func sqliteConstraint(err error) bool {
	const constraint, primary = 19, 0xff // SQLITE_CONSTRAINT; the upper bits say which
	var e interface{ Code() int }
	return errors.As(err, &e) && e.Code()&primary == constraint
}

func postgresConstraint(err error) bool {
	const class = "23" // integrity constraint violation
	var e interface{ SQLState() string }
	return errors.As(err, &e) && strings.HasPrefix(e.SQLState(), class)
}
