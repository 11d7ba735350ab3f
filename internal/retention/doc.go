// Package retention decides which restore points a repository keeps.
//
// The usual way in is [Policy.Check], which makes a policy ready, and [Policy.Decide], which
// gives a verdict with its reasons for each point. [NewestGood] says which points hold the newest
// good state of the cluster and of each application, [Misdated] which times cannot be true.
//
// # Promises
//
//   - A verdict depends on the points and the policy alone: when what may go is gone, the same
//     points are kept again, for the same reasons.
//   - The newest good state of the cluster and of each application is kept whatever a policy says.
//   - Points count in the order of history. One whose time contradicts it takes no hour and no day
//     from another, and is kept until somebody deletes it by name.
//
// # Refusals
//
// The package is pure: values in, values out. It reads no repository and deletes nothing. A policy that
// keeps nothing, counts below zero, or names a time zone that is not known is an [ErrPolicy].
package retention
