package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/appbur/appbur"
)

// Open opens the database file, makes it when it is missing, and creates the
// tables in it. version is that of the tables: a file that another version of the
// service made is refused, because carrying state from one version to the next is
// what the contract is for.
func Open(ctx context.Context, file string, version int, ddl string) (*sql.DB, error) {
	settings := url.Values{
		"_pragma": {"journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)", "busy_timeout(10000)"},
		"_txlock": {"immediate"}, // a writer waits for its turn at the start, not in the middle
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: url.PathEscape(file), RawQuery: settings.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", file, err)
	}
	if err := prepare(ctx, db, file, version, ddl); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func prepare(ctx context.Context, db *sql.DB, file string, version int, ddl string) error {
	var found, tables int
	err := db.QueryRowContext(ctx, "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)").Scan(&found,
		&tables)
	if err != nil {
		return fmt.Errorf("opening %s: %w", file, err)
	}
	switch {
	case found == version:
		return nil
	case tables > 0:
		return appbur.WithHint(fmt.Errorf("%s holds the tables of fleet version %d, this is version %d", file, found, version),
			"start with an empty file and import an export of the other version")
	}
	if _, err := db.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA user_version = %d; COMMIT", ddl, version)); err != nil {
		return fmt.Errorf("creating the tables in %s: %w", file, err)
	}
	return nil
}
