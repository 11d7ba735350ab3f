// Package object reads and writes the values that Git stores: hashes, trees, commits,
// annotated tags, and what they are made of (identities, messages, paths).
//
// The usual way in is ParseHash, DecodeTree, ParseCommit and ParseTag for what was
// read, and HashOf, EncodeTree, FormatMessage and FormatIdentity for what is written.
// Limits bounds what a reader may be made to hold.
//
// It does no I/O. Whatever the bytes are, it returns a value or an error that is
// ErrCorrupt, ErrPath or ErrTooLarge; it never panics and never repairs what it reads.
// The formats are those of git (Documentation/gitformat-*, hash-object, fast-import).
package object
