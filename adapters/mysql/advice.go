package mysql

import (
	"errors"

	"github.com/go-sql-driver/mysql"

	"github.com/appbur/appbur"
)

const noRightHint = "exports need SELECT on the tables; imports need SELECT, INSERT, DELETE, ALTER and TRIGGER: GRANT … ON the database TO the user of the connection string"

// advice maps the server's error numbers to what a person can do about them: the right,
// the setting of the server or the setting of the configuration that helps.
var advice = map[uint16]string{
	1044: noRightHint,
	1142: noRightHint,
	1143: noRightHint,
	1227: noRightHint,
	1045: "check user and password of the connection string, database.dsn or database.dsnFromEnv, and from which hosts the server lets the user in",
	1049: "check the database at the end of the connection string, database.dsn or database.dsnFromEnv",
	1146: "the table is gone since the adapter started: check schema: and table: of the configuration",
	1040: "raise max_connections of the server, or end sessions of other programs",
	1205: "other sessions hold rows of the table: stop the application for the import, or raise lockTimeout in the configuration",
	1213: "another session wrote to the same tables: stop the application for the import",
	1153: "raise max_allowed_packet of the server",
	1021: "make space on the disk of the database",
	1114: "make space on the disk of the database",
	1048: "the table is stricter than the saved rows: make the column NULL, or declare an add of the column in upcasts",
	1364: "the table is stricter than the saved rows: give the column a DEFAULT, or declare an add of the column in upcasts",
	1062: "the table has a unique key that the saved rows do not meet: drop it for the import, or mend the rows at the source",
	4025: "the table has a CHECK that the saved rows do not meet: drop it for the import, or mend the rows at the source",
	1264: "the column is narrower than the saved rows need: widen it with ALTER TABLE … MODIFY",
	1406: "the column is narrower than the saved rows need: widen it with ALTER TABLE … MODIFY",
	1366: "a character is not in the column's character set: ALTER TABLE … CONVERT TO CHARACTER SET utf8mb4",
}

// advise gives an error the hint that the server's error in cause calls for, or another
// one, or none.
func advise(err, cause error, otherwise string) error {
	var server *mysql.MySQLError
	hint := otherwise
	if errors.As(cause, &server) && advice[server.Number] != "" {
		hint = advice[server.Number]
	}
	if hint == "" {
		return err
	}
	return appbur.WithHint(err, hint)
}
