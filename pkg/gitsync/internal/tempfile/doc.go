// Package tempfile makes temporary files and directories that their process has locked.
//
// The usual way in is Create or CreateDir. The lock lasts for as long as the file is open:
// whoever can take it has found what a dead process left, and RemoveUnowned removes it.
// What a living process still writes is never removed. The system gives a lock back when
// its holder dies, so nothing depends on time or on process ids.
package tempfile
