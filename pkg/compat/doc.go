// Package compat judges and converts Kubernetes objects for a cluster of another
// release.
//
// An object that was saved from one release may not exist in another: its API
// version was removed, its fields moved, a default changed its meaning, or the
// server merely tolerates in old objects what it refuses in new ones. This
// package knows those facts as data:
//
//   - The lifecycle table ([Lifecycle]) says for every built-in API version when it
//     came, was deprecated and went, and what replaced it. It is generated from the
//     Kubernetes API modules plus a reviewed overlay, see internal/lifecyclegen.
//   - The conversions are steps from one version of a kind to a later one.
//   - The fix-ups are changes within one version, from the release that needs them:
//     ratcheted validation, references to renamed groups and labels, annotations
//     that no server reads any more.
//
// Every row of the last two carries its reason and its source.
//
// # Usual way in
//
// Describe the target with [NewDiscoveryTarget], which is authoritative, or with
// [TableTarget] when only its release is known. Add the definitions of the restore
// point by [WithCRDs], what their schemas say by [WithSchemas] (package schema), and
// the release it comes from by [WithSource]. Then call
// [Judge] for each object, show the [Verdict], and call [Convert] where it is
// creatable.
//
// # Promises
//
// The package is pure: no client, no files, no clock; it imports nothing of
// Kubernetes. It never modifies its input, and results share nothing with it.
// Every change is listed in the verdict. Converting a result again changes
// nothing, and a result is judged served, or refused again where a schema refuses it.
//
// Conversions follow the code of kube-apiserver, defaults of the old version
// included: a field that an old manifest leaves out gets the old default when the
// new one differs.
//
// # Refusals
//
// What cannot be known is not guessed. A webhook without side effects declared is
// blocked; versions of a custom resource that only its operator can convert are
// blocked; rights are not moved to new API groups unless the source release is
// known to have granted them. Built-in objects are never validated completely: the
// server does that. Custom resources are, where their schema is known; what it refuses
// is a prediction, and stays creatable.
package compat
