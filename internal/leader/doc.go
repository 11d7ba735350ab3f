// Package leader elects one of several processes by a Lease of Kubernetes, so that one of them writes.
//
// The usual way in:
//
//	elector, err := leader.New(config, options)
//	err = elector.Run(ctx, work)   // work runs while this process leads, as often as it is elected
//	elector.Confirm(ctx)           // right before each write: nil while it leads
//
// # Promises
//
//   - The context of work ends before another process can be elected: at most [Options.RenewDeadline] after
//     the request that renewed the Lease last was sent, by the clock of this process that nobody sets, or at once when
//     another holder is seen.
//   - The Lease is given up when work has ended, not before, so that the next leader finds nobody who still writes, and
//     waits for nobody.
//   - A process that was stopped and goes on finds out by [Elector.Confirm], which asks the API server.
//
// # Refusals
//
// A Lease cannot keep a process from writing that was stopped between the question and the write. Whoever
// writes has to compare and swap as well; this package knows nothing of what is written.
package leader
