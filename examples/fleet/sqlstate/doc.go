// Package sqlstate makes a SQLite database of the fleet service restorable: it is
// a [contract.App] over a list of tables that a version of the service declares.
//
// A version says per table how a row is read and written ([Table]); this package
// has the snapshot, the transaction and the connection settings, which are the
// same in every version. SQLite in WAL mode gives both for free: a reader keeps
// the state that it began with while a writer goes on.
package sqlstate
