//go:build unix

// The demo tells appbur's main story on real servers: a Kubernetes 1.24
// management cluster is saved to Git and rebuilt on Kubernetes 1.37, together
// with the records of an application that moves from version 1 to version 2.
//
//	make demo
//
// It starts the servers, fills the old cluster, and then runs the commands that
// a person would run, printing each before its output. Everything it checks, it
// checks by means that have nothing to do with the command that it checks: git,
// the next command, the cluster itself. The first surprise ends it with an error.
//
// story.go is the table of contents: a list of steps, each with a title, a reason
// and a function. runner.go runs them; the acts (act_*.go) hold what they do.
//
// # Promises
//
//   - No process outlives the demo. Ctrl-C at any time stops everything and exits
//     with 130; so do SIGTERM and a closed terminal. When the demo itself is
//     killed, the Linux kernel ends its children.
//   - Nothing is written outside one directory, which the first line names, and
//     the system's temporary directory for the data of the servers.
//   - The exit code is 0 only when every step went as told.
package main
