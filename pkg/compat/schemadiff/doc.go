// Package schemadiff compares two descriptions of the same rows, and says which differences
// break rows that were written by the older one.
//
// The usual way in is [Parse] and [Compare]; [Rules] explains every difference that can be
// found. Descriptions are JSON Schema (2020-12 and what of older drafts is the same) or a
// FileDescriptorSet of protobuf.
//
// The question is that of a backup: can every row that the old description allows be read
// with the new one, with all that is in it? So a deleted field is breaking here, which
// a schema registry calls compatible: readers go on, but the state is gone. A difference
// that is meant is declared by an upcast to a new major version, and then not compared.
//
// The package is pure. What it does not follow in a schema it does not pass: such a
// difference is breaking, and says that it was not understood.
package schemadiff
