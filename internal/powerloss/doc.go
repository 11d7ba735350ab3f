// Package powerloss tells what a power failure would take from a process, for tests of
// durability. A kill of the process cannot show it: the kernel still writes what it was given.
//
// [Trace] runs a command under strace and returns its changes to files, in order. A [Disk]
// takes them one after the other and keeps two states, as a file system does: what programs see, and
// what is certain to be there after the power fails. Bytes become certain by fsync(2)
// of the file, and names (made, renamed, removed) by fsync of the directory: the least
// that POSIX promises, which is less than most file systems keep.
//
//	events, err := powerloss.Trace(ctx, exec.Command("appbur", "init", dir), t.TempDir())
//	disk := powerloss.NewDisk()
//	for _, e := range events {
//		disk.Apply(e)
//	}
//	disk.Losses(dir) // none, if what was reported as done is kept
//
// It does not follow writes through mmap(2), hard links to directories, or descriptors that one
// process hands to another. A trace needs strace and the right to trace a child.
package powerloss
