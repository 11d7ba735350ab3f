// Package golden judges whether a release of an application still imports what earlier
// releases exported.
//
// A golden is the state that one release exported, kept for as long as that release is
// supported. The usual way in is [ParseLock] and [Lock.Check] for what is kept,
// [Trial.Judge] for what an application made of one golden, and the gates:
// [Versions], [Fields], [Upcasts] and [Supported]. Each returns findings; what a finding
// means to a pipeline is in [Gates].
//
// # Promises
//
//   - The package is pure: files, the application and the clock come in as values.
//   - What an application must export after an import is computed here, from the
//     golden and the declared changes, and not taken from what the application said.
//   - A finding quotes no value of a sensitive dataset.
//   - Nothing passes for want of evidence: what could not be judged is a note.
package golden
