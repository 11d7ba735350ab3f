// Package appbur holds the words that every room of appbur shares.
//
// appbur turns a living Kubernetes management cluster into a restore point in
// Git, and turns a restore point back into a living cluster, possibly one that
// runs a newer Kubernetes. The engines that do so (pkg/exporter, pkg/gitsync,
// pkg/contract, pkg/restore) never import one another; what they hand to each
// other is defined here.
//
// # The words
//
//   - [ObjectID] names one object for its lifetime: group, kind, namespace and
//     name, never the version, so that history follows an object through API
//     versions. [ObjectID.Path] is the only code that knows the layout of the tree.
//   - [Digest] names bytes.
//   - [KubeVersion] orders Kubernetes releases.
//   - [File] is a path and its content, the unit a Git tree is made of.
//   - [Coverage] says per resource type whether it was captured completely.
//   - [RestorePoint] describes one moment: cluster, coverage, applications.
//   - [HintError] is an error that knows the next step.
//
// # Promises
//
// Values that exist are valid: every type with rules has a parser or a
// constructor that refuses bad input, and no method reports a bad value later.
// The package performs no I/O, reads no clock and imports nothing but the
// standard library, so it can be imported from anywhere.
package appbur
