// Package binaries finds the programs of a Kubernetes control plane in
// directories: etcd, kube-apiserver and kube-controller-manager.
//
// The usual way in is [Places.Find]. A place is a directory that holds the
// programs themselves, as KUBEBUILDER_ASSETS of envtest does, or one with a
// directory per version, as `make servers` and setup-envtest fill them.
//
// # Promises
//
//   - A program is what it says it is: the version comes from asking the API
//     server and the controller-manager, never from the name of a directory.
//   - Of several releases of a minor version the newest is taken; of the same
//     release one that has a controller-manager, and else the first place.
//   - What is found but cannot be used is told with its reason.
//
// # Refusals
//
// Nothing here downloads or builds, and no other version than the wanted one is
// returned. A controller-manager may be missing: envtest ships none.
package binaries
