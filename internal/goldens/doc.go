// Package goldens keeps the state that releases of an application exported in a directory,
// and has an application under test import it: the files and the calls around the
// rules of pkg/compat/golden (docs/formats/goldens.md).
//
// The usual way in is [Record] for a release, and [Open] and [Check] for the
// application under test.
//
// # Promises
//
//   - A release is recorded completely or not at all, and never written over.
//   - A sensitive dataset is written only if the caller says so; nothing here encrypts it.
//   - An application that cannot be reached is an error, not a finding: nobody is told that
//     state cannot be imported because a network was away.
package goldens
