// Package statedir keeps the state of one application in a directory, outside of any repository: to look
// into it, to carry it, and to hand it to an application again (docs/formats/statedir.md).
//
// The usual way in is [Create], which an export fills, and [Writer.Finish]; then [Open].
//
// # Promises
//
//   - A directory is there completely or not at all: it is written beside its place and renamed.
//   - What is read back is what was exported: a payload of another size or digest ends with an error in place
//     of its end.
//   - Nothing that was there is written over.
//   - A sensitive dataset is written only by a [Writer] that is told to, because nothing here encrypts it.
//     Files can be read by their owner only.
package statedir
