// Package canary proves that secrets stay secret. Its test plants distinctive values
// everywhere in a real cluster where a secret can hide, runs the appbur command as a
// user does, in good order and into every failure it can arrange, and then looks for
// the values in all that came out: every object in Git, every line on standard output
// and standard error.
//
// It also runs the commands of docs/keys.md in their order, with the real sops, age and
// git, and checks after each who can read what.
//
// Values that appbur does not protect are planted as well. They must be found, which
// shows that the search finds things, and keeps docs/keys.md honest about them.
//
// The package holds tests only.
package canary
