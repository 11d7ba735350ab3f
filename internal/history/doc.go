// Package history answers the questions of an auditor from the history of a
// repository: who changed an object and when, what changed in a namespace, what
// differs between two days, which commit wrote a line.
//
// The usual way in is [Open], then [ParseSelector] and [History.Select] to say which
// objects, [History.Revision] to say when, and [History.Log], [History.Compare] or
// [History.Blame].
//
// # Promises
//
//   - The commits, lines and differences are those of stock git on the same
//     repository; tests compare the two. What git cannot know is added: an object is
//     followed when its kind moves to another API group, and a change is described by
//     fields.
//   - An object is known by its path, which has no API version, so a new version does
//     not break its history.
//   - No value of a sealed file is decrypted, and its ciphertext is not shown unless it
//     is requested: the names of keys are, and that something changed.
//   - Who is behind a commit is what the commit says, with how it is known; nothing is
//     guessed.
//
// # Refusals
//
// The package does not connect to clusters, so kinds are known by their names in the
// history and a table of short names, not by discovery. It never follows a file that
// merely looks alike, as git does.
package history
