// Package fleetcopies keeps copies of remotes from one look at a fleet to the next (docs/fleet.md), so that only what is new
// is fetched, and nothing where nothing has changed.
//
// The way in is [Open], then [Copies.Take] for each remote.
//
// # Promises
//
//   - A copy has exactly the branch and the restore points that the remote was said to have, or it is not given out.
//   - A copy is used by one process at a time; it appears complete or not at all.
//   - What is damaged is made anew, and all of it may be deleted at any time.
//   - The copies that were used least recently go when there are too many.
//
// # Refusals
//
// The package asks a remote nothing but to fetch from it: that refs have not changed is for the caller to know, who has
// just listed them with credentials of his own. Whom a copy believes is not its business either.
package fleetcopies
