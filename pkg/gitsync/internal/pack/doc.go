// Package pack keeps Git objects in packs and reads them back: the object store of a
// repository, pack files and their indexes, loose objects, deltas, and packs on their way
// to and from another repository.
//
// The usual way in is OpenStore, then Store.Read for one object and BatchReader for many.
// A Writer makes a pack: Create, Add, Publish; the pack is published with its index, both
// durable, and is held until a Hold is released. Store.SendPack writes a pack to a stream,
// a Receiver takes one from a stream.
//
// It promises that what it returns hashes to the name that was asked for, that no more is
// held in memory than the Limits allow, and that a process that dies leaves nothing that a
// reader would take for a pack. It deletes only what Retire and RemoveAbandoned are told
// to, and knows no refs: what is needed is the caller's matter.
//
// The formats are those of git: gitformat-pack, gitformat-loose, and the .rev and .mtimes
// files described there.
package pack
