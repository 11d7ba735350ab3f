// Package mysql makes an application out of tables of a MariaDB or MySQL
// database: a [contract.App] whose datasets are the rows of configured tables.
//
// [Open] reads the catalog once and learns keys, columns and foreign keys;
// [Adapter.Datasets] says what it found; the adapter is then handed to
// contract.NewServer. cmd/appbur-mysql does exactly this; example.yaml shows its
// configuration.
//
// # Export
//
// One connection, one transaction WITH CONSISTENT SNAPSHOT and READ ONLY, no
// global lock. Every table is touched right after the snapshot is taken, so that
// its metadata lock keeps ALTER and TRUNCATE, which ignore snapshots, out. Rows
// stream from the server in key order, text keys by their UTF-8 bytes whatever
// their collation is. All settings that change what the server prints or accepts
// are pinned; FLOAT is read as DOUBLE, because as FLOAT the server prints six
// digits only.
//
// # Import
//
// One transaction and no statement that would commit it (no DDL, no TRUNCATE, no
// LOAD DATA). Foreign key checks are off while rows are deleted and inserted,
// which also keeps ON DELETE CASCADE from reaching other tables. Before the commit
// every foreign key from or to a replaced table is checked by a query of the
// adapter, since switching the checks on again checks nothing, and every replaced
// table is read again and compared with what was written. A warning of the server
// is an error.
//
// AUTO_INCREMENT continues after the highest number that a table ever held, here or
// where the rows were saved, and so do sequences that defaults draw from. The server
// has no statement for it that does not commit by itself, so it comes after the
// commit: when it fails, the error says that the rows are in place, and the same
// import, made again, sets it.
//
// # What it needs
//
// SELECT for exports; SELECT, INSERT, DELETE, ALTER (for AUTO_INCREMENT) and TRIGGER
// (to see triggers) for imports. Foreign keys of tables that the user has no right to see are not
// checked.
//
// # What it refuses
//
// Tables of other engines than InnoDB, whose rows do not roll back; views,
// sequences and system-versioned tables; tables without a primary key, unless the
// configuration names columns that are NOT NULL and unique; floating-point keys;
// importing into tables with triggers, which cannot be stopped, unless the
// configuration allows it.
//
// Tests run against MariaDB. MySQL differs where the code says so and is not
// exercised.
package mysql
