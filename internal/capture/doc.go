// Package capture joins a cluster and a repository: what is read goes to a writer,
// and files go when, and only when, something proves that their objects did.
//
// The usual way in is [Run], one pass over the cluster up to the point where the
// writer can commit. Who watches a cluster instead calls [ForgetKinds] when the set
// of types has changed.
//
// # Promises
//
//   - A file of a type that was read is deleted only when the complete list does not have its object.
//   - Files of a type that could not be read stay, and so do those of a kind that
//     discovery does not list, until [Source.Absent] proves that the kind is gone.
//     The coverage names each such kind and says why.
//
// # Refusals
//
// The package does not commit, and it prints nothing: it returns the
// coverage, and its caller reports it.
package capture
