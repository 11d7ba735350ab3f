// Package announce tells in the cluster what is wrong with its backups: as Events on one object, where `kubectl describe`
// and `kubectl get events` show them.
//
// The usual way in is [Start] with the daemon's Lease, and the methods of [Announcer] for what became of points and
// pushes. What is wrong is told each time, and the API machinery makes one Event with a count of what repeats; what is
// well is told only when it was wrong before.
//
// # Promises
//
//   - Nothing waits for an Event, and nothing fails because of one: without the right to create them there are none.
//   - A nil [Announcer] says nothing.
package announce
