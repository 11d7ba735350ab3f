// Package exporter reads a living cluster: once ([Exporter.Capture]) or all the
// time ([Exporter.Watch]).
//
// It discovers every type that the API server serves, lists the objects of each at
// its most stable served version and hands them, one by one, through the rules of
// package manifest to the caller. It knows clusters and nothing of Git.
//
// The usual way in is [New], then [Exporter.Cluster] to learn which cluster this
// is, then Capture or Watch.
//
// # Promises
//
//   - Every group-kind is read once, through cohabiting groups too, at its most
//     stable served version; custom resources at the storage version where it is
//     served and keeps all that may be stored (readversion.go). The source API server is the best converter there is.
//   - A type that cannot be read is coverage, not an error, and not an absence: its
//     files stay. Only a list that reached its end at a known resourceVersion says
//     what does not exist.
//   - That discovery does not list a kind proves nothing; [Exporter.Absent] says what
//     does, and whether there is such a proof.
//   - Overload (429, 5xx), expired continue tokens and broken connections are
//     waited out with growing delays; a peer that falls silent is noticed.
//   - Memory is bounded by pages, not by the cluster: no object is kept. Pages are
//     bounded in bytes, too, once the first one has shown how large objects are. What
//     Capture remembers of an object is some ten bytes of its name.
//
// # Refusals
//
// The package writes nothing to the cluster, keeps no cache, reads no environment
// and opens no kubeconfig. It has no client-side rate limit: API servers have flow
// control of their own, and it is obeyed.
package exporter
