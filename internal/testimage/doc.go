// Package testimage builds appbur's container image and runs it with runc, the runtime below containerd and CRI-O, as a
// restricted Pod runs it: the image's own user, no capability, a root file system that cannot be written, and nothing
// of this machine but its network and what a test mounts.
//
//	image := testimage.Build(t)
//	code, out, errs := image.Run(t, []testimage.Mount{{Host: data, Path: "/data"}}, "version")
//
// Where containers cannot run the test fails.
package testimage
