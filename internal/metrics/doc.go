// Package metrics measures a daemon for Prometheus: how old the newest good restore point is, what waits,
// what fails, and which remote holds how much.
//
// The usual way in is [New]; what the daemon is made of is wrapped before it is handed to
// it ([Metrics.Watcher], [Metrics.Writer], [Metrics.Pushes]), [Metrics.Follow] reads the repository
// beside it, and [Metrics.Handler] answers scrapes. docs/metrics.md lists what there is.
//
// # Promises
//
//   - What is said of restore points is read from the repository, whoever made them. Points that no
//     trusted signer has signed count for nothing.
//   - A scrape waits for nothing: neither for a commit, nor for a disk, nor for a remote.
//   - Labels are bounded: kinds by [mostKinds], reasons by tables, remotes by the configuration.
//
// # Refusals
//
// The daemon and the engines know nothing of this package, and nothing outside of it of Prometheus.
package metrics
