// Package session is what a restore keeps in its target: a Lease that says who restores what since
// when, so that a second operator does not write at the same time, and a ConfigMap that says which
// application state was imported, so that a run after a crash does not import it again.
//
//	lock, taken, err := session.Take(ctx, cluster, holder, options)  // *HeldError: somebody else restores
//	ctx, end := lock.Hold(ctx)                                       // renews it; ctx ends when it is lost
//	log, err := session.Open(ctx, cluster, intent, options)          // what an earlier run of the same restore did
//	id, done, err := log.Begin(ctx, app, address)
//	err = log.Imported(ctx, app, …)
//	err = log.End(ctx, complete)
//	end()                                                            // releases it
//
// # Promises
//
//   - Two runs never hold the lock at the same time, whatever their clocks say: whether a Lease
//     expired is decided by the clock of the API server alone, which dates each write.
//   - Every change of the lock names the uid and the resource version that was read, so that of two who
//     take it over one does.
//   - A run whose lock is gone stops: no write begins more than [Options].Fresh after the Lease was renewed
//     or, where it cannot be written, read and still held; or after half of [Options].Duration while
//     the server answers neither. Kubernetes knows no fencing, so for that time after a take-over both may write.
//   - The operation id of an import is in the target before the import begins, and stays the same
//     until the import is done. The application applies an id once.
package session
