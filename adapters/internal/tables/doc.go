// Package tables holds what the database adapters know about tables that no
// driver tells them: which tables a configuration names, how a column's values
// are written in a payload, how a payload row is read back, in which order
// tables refer to one another, and whether rows came back as they went in.
//
// # The way of a value
//
// A driver hands over the text that the server printed, and the column's [Form]
// turns it into JSON. On import the same form turns the JSON back into text that
// the server reads to the same value:
//
//	server text ──Form.Append──► JSON ──Form.Parse──► server text
//
// The adapter picks the form and pins the session settings that decide what the
// server prints; this package never guesses a type from a value.
//
// # Promises
//
// Equal values have equal JSON, whatever the server's settings were. Numbers stay
// exact: integers and floats are JSON numbers, decimals are strings because their
// scale is data. A payload column that the table does not have is an error that
// names both ([RowError]); a column that the payload does not have is one too,
// unless the configuration calls it optional.
//
// The package does no I/O.
package tables
