// Package health answers the questions of a kubelet over HTTP: is a process alive, and is it ready.
//
// The usual way in is [Handler] with some checks, served as /livez or /readyz. The answers are those of a
// Kubernetes API server: 200 and "ok", or 500 and one line for each check; ?verbose shows the lines
// in any case, ?exclude=NAME leaves a check out, and /readyz/NAME asks for one alone.
//
// # Promises
//
//   - A check that does not come back fails in time ([Within]), and does not pile up.
//
// # Refusals
//
// The package knows nothing of what is checked, and serves no metrics.
package health
