// Package builtins holds tests only. They create an object of every built-in kind on
// real API servers, save it, and apply what was saved, so that a kind that a new
// Kubernetes release brings cannot be overlooked: a kind that is in no table fails
// the test.
//
// testdata/objects.txtar has the objects; a new kind is added there, and to the table
// of excluded kinds if a rule leaves it out. What no server creates is listed with
// its reason. Run with
//
//	go test -tags integration ./internal/builtins
//
// # Promises
//
//   - Every resource that discovery lists with the verb create is tested, on the oldest
//     and the newest server, with the groups that are served by default and with all.
//   - What is applied are the bytes of the manifest as they lie in Git, to the same
//     cluster, to an empty one of the same version, and by a plain create. Sealing of
//     Secrets is tested where it is done.
//   - A second capture of what was applied gives the same bytes.
//
// # Refusals
//
// The tests build no servers: where they are missing, the tests fail and name the make
// target.
package builtins
