// Package fsck checks a repository byte by byte, as `git fsck --full --strict` does, and
// tells which commits and files a damage hits.
//
// The usual way in is Run. It parses packs, indexes, loose objects and refs by itself, so
// that what the readers of this repository assume is checked and not assumed again. It
// works on repositories that are not opened otherwise, and beside writers: what is
// repacked meanwhile is looked at again.
//
// It changes nothing. Memory is about 40 bytes for each object, and some megabytes for
// each core. A damage is a Problem in the report, never an error.
package fsck
