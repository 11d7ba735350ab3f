// Package kubebuild builds real Kubernetes servers from Go modules and finds
// the ones that are built.
//
// hack/kube holds one nested module per Kubernetes version and one for etcd.
// Each pins everything that its programs are built from, so that the main
// go.mod never sees the conflicting staging versions. This package turns those
// pins into binaries in the user's cache directory, shared by all clones, in
// the layout that envtest uses: <cache>/<version>/{etcd,kube-apiserver,
// kube-controller-manager}. Where hack/kube/node has a module of the version,
// kubelet, kube-proxy and kube-scheduler of nodes are built from that.
//
// The usual way in is [Builder.Build], which `go run ./hack/kube` calls, and
// [Store.Locate], which tests call. Both go through the same [Store], so a test
// can never run a binary that the build would consider out of date.
//
// # Promises
//
//   - A binary under its final name is complete: it is built under another name in
//     the same directory and renamed.
//   - A stamp beside each binary hashes its pins, its build arguments and the
//     toolchain. A changed pin rebuilds; an unchanged one costs a few file reads.
//   - Two builds of the same version never run at the same time, in one process
//     or in several.
//   - Cancelling the context stops the compiler and leaves no partial file.
//
// # Refusals
//
// Nothing here downloads binaries, guesses a version, or falls back to another
// one. The package reads no environment of its own: directories come in as
// arguments. It runs on Unix only, because it needs flock and process groups.
package kubebuild
