// Package durable writes files that a power failure does not take back once the call has
// returned: their bytes, their names, and the names of the directories they lie in.
//
// rename(2) and creat(2) change a directory, and a directory has a cache of its own: fsync(2) of a
// file promises nothing of its name ("an explicit fsync() on a file descriptor for the
// directory is also needed", fsync(2), NOTES). Each function here does both.
package durable
