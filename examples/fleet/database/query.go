package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/appbur/appbur/examples/fleet/web"
	"github.com/appbur/appbur/pkg/contract/sqlstate"
)

// List reads records for the HTTP API.
func List(ctx context.Context, db *sql.DB, scan func(sqlstate.Scanner) (any, error), query string, args ...any) (any, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells how it ended
	records := []any{}
	for rows.Next() {
		record, err := scan(rows)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, rows.Err()
}

// One reads one record for the HTTP API. what names it in the error when it is
// missing.
func One(ctx context.Context, db *sql.DB, scan func(sqlstate.Scanner) (any, error), what, query string, args ...any) (any, error) {
	record, err := scan(db.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%s: %w", what, web.ErrNotFound)
	}
	return record, err
}

// Refusal turns what SQLite says about a record into the errors of the HTTP API.
func Refusal(what string, err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		return fmt.Errorf("%s: %w", what, web.ErrExists)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%s: what it refers to: %w", what, web.ErrNotFound)
	default:
		return err
	}
}
