// Package daemon keeps main of a repository up to date with a living cluster.
//
// [Run] joins a watcher, which reports what exists (pkg/exporter), with a writer,
// which gathers changes and commits them (internal/repository). A commit is made
// when the cluster has been quiet for a moment, and at the latest after a bound,
// so that a busy cluster is committed as well.
//
// # Promises
//
//   - Level-based: after a restart or a dropped watch the watcher lists again, and
//     what was missed is committed. Nothing depends on having seen an event.
//   - A guard that refuses a commit does not end the daemon: it is reported, what
//     was gathered stays, and the next change tries again.
//   - A new [Pace] takes effect at once, also for the commit that is waited for, and nothing that was gathered is lost.
//   - Before the daemon ends it commits what it has gathered.
//   - Maintenance of the repository runs in parallel with the commits, one at a time. If it
//     fails that is reported and tried again later; it never stops the watch, and
//     it is cancelled when the daemon ends.
package daemon
