// Package backup makes restore points: what a cluster and its applications hold at one
// time, signed, in a repository.
//
// The usual way in is [Maker.Make]. It begins a commit and a point, reads the cluster while
// the applications are asked for their state, commits what changed to main and saves the
// point. What comes after, such as pushing it, is the caller's.
//
// # Promises
//
//   - There is a point only if everything that was asked for arrived: the first application
//     that fails ends the others, and nothing is written.
//   - A type that could not be read makes a point partial, and its files stay.
//   - Applications are asked beside the cluster, at most four at once.
//
// # Refusals
//
// The package prints nothing: it tells an [Observer] how far it is. It does not choose
// the applications, and it makes one point at a time for each caller.
package backup
