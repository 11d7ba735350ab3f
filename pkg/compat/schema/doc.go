// Package schema predicts whether an API server will accept a custom resource, from
// the schema in its CustomResourceDefinition alone.
//
// It runs the code of the server itself (k8s.io/apiextensions-apiserver) in the
// server's own order: fields that the schema does not know, defaults, embedded
// metadata, the OpenAPI schema, keys of lists, and the rules of
// x-kubernetes-validations where the target's release has them. The status is judged
// separately where it is a subresource, as it is written separately.
//
// # Usual way in
//
// [New] takes the definitions of a restore point and the release of the target; the
// result goes into [compat.WithSchemas]. A schema is compiled when the first object
// needs it.
//
// # Promises
//
// The package is pure, like compat: no client, no files, no clock. It never modifies
// what it is given. Whatever a definition or an object contains, the answer comes in
// bounded time and without a panic: what is too deep or too large to be judged is
// called unchecked, with the reason (limits.go).
//
// # Refusals
//
// An answer is about creating the object. What admission says, what else lives in the
// target, and objects that exist already and are merely left as they are (which a
// server tolerates) are not its business. Nor are formats and rules that a target has
// which is newer than this code: a rule that does not compile here is ignored.
package schema
