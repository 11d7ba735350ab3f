// Package pieces cuts the payload of a dataset into files, so that Git stores of a new payload
// what changed.
//
// The usual way in is [LayoutOf], which chooses how a dataset is cut, [NewSplitter], and the
// [Piece.Name] of each piece that it emits. [NewKeyFields] and [ParseKey] read the keys of rows in the
// order of the contract.
//
// # Promises
//
//   - Pieces joined in order are the payload, byte for byte.
//   - The same payload is cut and named the same way by every release: what a layout's method means never
//     changes.
//   - A change moves the cuts beside it and no others; a piece keeps its name when something
//     before it grows or shrinks.
//   - Names of rows with keys sort as the keys do, and no file system folds two of them into one.
//   - One piece is in memory at a time, or one row where that is larger.
//
// # Refusals
//
// The package is pure: it stores, encrypts and reads nothing. A row that is no JSON, or has no key, is cut
// as bytes and is never an error: the payload is stored as it is.
package pieces
