// Command image makes appbur's container image without a container runtime, a registry or a base image: an OCI layout
// and tarballs for some platforms, and an SBOM for each, made of what the linker wrote into the binary.
//
//	go -C hack/image run . -out ../../bin/image -version v1.2.3
//
// The image has the static binary and what a static binary of Go looks for in a file system ([Root]): no shell, no
// package manager, no git. Equal sources, version and toolchain give equal digests, wherever and whenever it is built:
// no file has a time, and the image has that of its commit.
//
// `go run . release` writes what a release has beside the image: archives of the program as kubectl's plugin, their
// sums, and the manifest for krew's index.
//
// It is a module of its own, so that nothing that is shipped depends on what packs it.
package main
