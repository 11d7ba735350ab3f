package postgres

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/appbur/appbur"
)

// advice maps SQLSTATEs to what a person can do about them: the right, the setting of the
// server or the setting of the configuration that helps.
var advice = map[string]string{
	"28000": "the server's pg_hba.conf does not let the role in from here: check user, host and sslmode of the connection string, database.dsn or database.dsnFromEnv",
	"28P01": "check the password in the connection string, database.dsn or database.dsnFromEnv",
	"3D000": "check dbname in the connection string, database.dsn or database.dsnFromEnv",
	"42501": "exports need SELECT on tables and sequences (GRANT SELECT ON … TO the role of the connection string) and a role to which no row security policy applies (BYPASSRLS); " +
		"imports need the ownership of the tables (ALTER TABLE … OWNER TO …)",
	"53300": "raise max_connections of the server, or end sessions of other programs",
	"53100": "make space on the disk of the database",
	"55P03": "other sessions hold the table: stop the application for the import, or raise lockTimeout in the configuration",
	"57014": "the statement was cancelled: try again",
	"22P05": "a character is not in the database's encoding: restore into a database with ENCODING UTF8",
	"23502": "the table is stricter than the saved rows: ALTER TABLE … ALTER COLUMN … DROP NOT NULL, or declare an add of the column in upcasts",
	"23503": "export and import the tables that refer to one another together: list them all under tables",
	"23505": "the table has a unique constraint that the saved rows do not meet: drop it for the import, or mend the rows at the source",
	"23514": "the table has a CHECK that the saved rows do not meet: make it NOT VALID, or mend the rows at the source",
	"22003": "the column is narrower than the saved rows need: widen it with ALTER TABLE … ALTER COLUMN … TYPE",
	"22001": "the column is narrower than the saved rows need: widen it with ALTER TABLE … ALTER COLUMN … TYPE",
	"42P01": "the table is gone since the adapter started: check schema: and table: of the configuration",
}

// advise gives an error the hint that a SQLSTATE in cause calls for, or another one, or
// none.
func advise(err, cause error, otherwise string) error {
	var pg *pgconn.PgError
	hint := otherwise
	if errors.As(cause, &pg) && advice[pg.Code] != "" {
		hint = advice[pg.Code]
	}
	if hint == "" {
		return err
	}
	return appbur.WithHint(err, hint)
}
