// Package postgres makes an application out of tables of a PostgreSQL database: a
// [contract.App] whose datasets are the rows of configured tables.
//
// [Open] reads the catalog once and learns keys, columns and foreign keys;
// [Adapter.Datasets] says what it found; the adapter is then handed to
// contract.NewServer. cmd/appbur-postgres does exactly this; example.yaml shows its
// configuration.
//
// # Export
//
// One transaction, REPEATABLE READ and READ ONLY, over all tables. The tables are
// locked (ACCESS SHARE) before the first query takes the snapshot, because
// TRUNCATE and ALTER TABLE ignore snapshots: without the lock a truncated table
// would export as empty. Rows stream from the server in key order, text keys by
// their UTF-8 bytes whatever the database's collation is. All settings that
// change what the server prints are pinned.
//
// # Import
//
// One transaction. It locks the tables (ACCESS EXCLUSIVE), sets foreign keys and
// user triggers aside, deletes and copies rows, puts the foreign keys back, which
// checks every row against them, moves sequences past the saved positions and past
// the rows, reads every replaced table again and compares it with what was written,
// and commits.
//
// Foreign keys are dropped and added again from their own definition within the
// transaction, rather than deferred: ON DELETE CASCADE, SET NULL and RESTRICT act
// at once even when a constraint is deferred, so deferring would let the deletion
// of old parents take children that were not to be replaced. Rows of tables
// outside the configuration are never touched, but their references into replaced
// tables are checked.
//
// # What it needs
//
// A direct connection (a pooler in transaction mode loses the settings). For
// exports the right to SELECT, also from the sequences that number the rows; row
// security that hides rows from the role makes an
// export fail. For imports the ownership of the tables, and of tables outside the
// configuration that refer to them.
//
// # What it refuses
//
// Views, foreign and temporary tables; tables with rewrite rules; tables without
// a primary key, unless the configuration names columns that are NOT NULL and
// unique; floating-point keys. Large objects are not part of a table: their
// numbers travel, their content does not.
package postgres
