// Package backoff says how long to wait between tries of one thing, and waits.
//
// It is ours and not k8s.io/apimachinery/pkg/util/wait, because the application contract
// needs it too and every application author imports that, and because delays here are
// values: [Backoff.Delay] is a function of the number of failures and [Jitter] of a key,
// where wait.Backoff counts inside itself and draws from the global random numbers.
//
// It imports the standard library only. Delays that a server asks for are known to the
// callers, who take the longer one.
package backoff
