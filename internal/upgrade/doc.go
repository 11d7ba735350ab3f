// Package upgrade tells an upgrade by rebuild: what is in the way of it, and which commands lead to the new cluster, each
// with what it proves and what to do if it was interrupted.
//
//	plan := upgrade.New(facts)               // from a restore point, the new Kubernetes and the new applications
//	plan.Steps = …                           // the commands, which only the command line knows
//	done, err := upgrade.Parse(file)         // the checklist of an earlier plan, if there is one
//	text := plan.Checklist(done)             // Markdown, to be committed
//
// # Promises
//
//   - The package is pure: no clock, no file, no client.
//   - What somebody has ticked and written into a checklist stays, as long as it is for the same cluster and the same
//     Kubernetes; otherwise it is told that it is not.
//
// # Refusals
//
// Parse takes nothing for a checklist that it has not written: a file of somebody else is never overwritten.
package upgrade
