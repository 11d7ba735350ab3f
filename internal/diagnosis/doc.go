// Package diagnosis says whether a cluster is backed up: what is well, what is wrong, and how bad that is.
//
// The usual way in is [Judge] with the [Facts] that somebody has gathered from a repository, its remotes, a daemon and
// a cluster. What nobody has looked at is nil in the facts, and no check of the report.
//
// # Promises
//
//   - The last good restore point comes first.
//   - Each check that is not [OK] has one [Reason], by which a caller says what to do.
//   - A schedule is late by its own expression: when its next time and the grace have passed.
//
// # Refusals
//
// The package is pure: it has no clock, asks nobody, and names no command.
package diagnosis
