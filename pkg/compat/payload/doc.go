// Package payload holds the rules by which application payloads stay readable
// across releases.
//
// A payload is rows of one dataset at one schema version. The rules are:
//
//   - [Version] and [Range]: which versions a release writes and reads, and why a
//     payload is refused ([Judge]): newer than the reader, or older than its window.
//   - [Change]: what a step from one schema to the next does to a row, as data, so
//     that others than the application can check a re-export ([Apply]).
//   - [EncodeRow] and [DecodeRow]: one byte form per row, so that equal rows have
//     equal digests.
//
// The usual way in is Judge before an import, and Apply plus EncodeRow when a
// re-export is compared with what went in.
//
// # Promises
//
// The package is pure and depends on the standard library and hashicorp/go-version
// alone. Apply never modifies its input and never drops a value without saying
// so. Numbers keep their exact value at any size. Rows that differ differ in bytes,
// and writing a row, reading it and writing it again gives the same bytes.
//
// # Refusals
//
// DecodeRow refuses duplicate keys, bytes that are not UTF-8, half surrogates and
// numbers beyond reason, because readers disagree about all of them.
package payload
