// Package sqlstate is the state of an application that keeps it in tables of a SQL
// database: an [App] over database/sql, whatever the driver.
//
// The usual way in is one [Table] per dataset:
//
//	app := sqlstate.New(db, sqlstate.SQLite, sqlstate.Table{
//		Dataset: contract.Dataset{Name: "notes", Schema: "1.0", Key: []string{"id"}},
//		Select:  "SELECT id, text FROM notes ORDER BY id",
//		Scan: func(row sqlstate.Scanner) (any, error) {
//			var n Note
//			return n, row.Scan(&n.ID, &n.Text)
//		},
//		Delete: "DELETE FROM notes",
//		Insert: sqlstate.Inserting(func(ctx context.Context, db sqlstate.Execer, n Note) error {
//			_, err := db.ExecContext(ctx, "INSERT INTO notes (id, text) VALUES (?, ?)", n.ID, n.Text)
//			return err
//		}),
//	})
//
// How databases differ is a [Dialect]: what makes a read transaction show one
// moment, what defers foreign keys to the commit, and how a violated constraint
// looks. [SQLite] and [Postgres] are here, without their drivers.
//
// # Promises
//
//   - An export is one read transaction, an import one write transaction.
//   - What an import wrote is read back within its transaction and compared.
//   - A violated constraint is CONSTRAINT_VIOLATION, a row that does not fit
//     PAYLOAD_INVALID, both with the number of the row. What the driver says is reported
//     of datasets only that are not sensitive.
//
// # Refusals
//
// Rows with fields that the record does not have.
package sqlstate
