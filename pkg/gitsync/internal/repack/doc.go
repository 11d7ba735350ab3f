// Package repack writes what several packs and loose objects hold into one pack, with
// deltas between versions of a file.
//
// The usual way in is Open with the packs, then Set.Link, which finds deltas that can be
// copied as they are, or Set.NameEntries for a search for new ones, and a Writer. Which
// objects go where (a pack, a cruft pack, nowhere) is the caller's decision: Entry.To.
//
// It promises that the new pack is complete and durable before it returns, and deletes
// nothing. An object that claims to be larger than the limits is left where it is.
//
// Order and depth of deltas are those of `git pack-objects`; see gitformat-pack and
// git-pack-objects for cruft packs and the order of objects.
package repack
