// Package workingcopy gives a daemon the working copy of its repository when it starts: the one that is on its disk,
// brought up to date, or one that is cloned from a remote. So the disk of a daemon need not be kept.
//
// The way in is [Obtain].
//
// # Promises
//
//   - No second history begins beside one that a remote may hold: while none of the remotes has answered with a history
//     and one of them has not answered at all, Obtain waits, and says so.
//   - What is on the disk is never replaced; a clone appears complete or not at all.
//   - A remote that holds less than the remotes are known to have held is not taken for the newest.
//
// # Refusals
//
// The package knows no cluster and no user. What commits are kept, joined or refused is internal/repository's to decide.
package workingcopy
