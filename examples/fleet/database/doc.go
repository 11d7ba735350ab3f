// Package database is what the versions of the fleet service share about SQLite:
// how the file is opened, how times and labels are stored, and how the HTTP API
// reads. What makes the tables restorable is the contract's package sqlstate.
//
// SQLite in WAL mode gives both sides for free: a reader keeps the state that it
// began with while a writer goes on.
package database
