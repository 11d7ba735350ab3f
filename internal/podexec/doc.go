// Package podexec runs commands in a container of a pod, as `kubectl exec` does, for what may not be left half done.
//
//	container, err := podexec.NewContainer(config, podexec.Place{Namespace: "shop", Pod: "db-0", Container: "postgres", …})
//	runner := podexec.Runner{Exec: container, Shell: "/bin/sh", Lease: 30 * time.Second, …} // an [exec.Runner]
//
// A connection to a pod says little when it ends early: an output that was cut off looks like one that is complete, a
// command goes on without its caller, and one that reads a payload takes the lost connection for the end of it. So each
// command runs under a script in the container (directory scripts), which
//
//   - closes the output with a word that only this run knows, and the exit code. Without it nothing has arrived;
//   - ends the command when its time is over, or nobody listens any more;
//   - gives a payload an end only when all of it has come, and ends the command before that otherwise. A payload that has
//     come whole is taken, also when appbur dies;
//   - lets an application that was put to rest go on when it is told to, when the connection ends, and when nothing was
//     heard for a lease, whatever has become of appbur.
//
// # Promises
//
//   - A command that failed and a connection that was lost are different errors.
//   - A command that may have run is not run again by this package. One that certainly has not is.
//   - One container is meant, not a name: if the pod or the container was replaced, nothing runs.
//
// # Refusals
//
// The container needs a POSIX shell, sleep, grep, /proc, and dd with iflag=fullblock for payloads. Nothing is copied into
// it. Commands are seen by whoever reads the audit log of the API server: they hold no secret.
package podexec
