// Package contract lets an application hand over its own state and take it back,
// across versions of its schema.
//
// # For authors of applications
//
// Implement [App]: a consistent [Snapshot] that yields rows, and a [Transaction]
// that replaces them. A row is one JSON object. Describe each [Dataset] with a
// schema version and a key, and call [ListenAndServe]:
//
//	err := contract.ListenAndServe(ctx, "unix:///run/app.sock", app, contract.Options{
//		ID: "notes", Version: "1.4.0",
//		Datasets: []contract.Dataset{{Name: "notes", Schema: "1.0", Key: []string{"name"}}},
//	})
//
// When the schema changes, raise the version and add an [Upcast] from the old one.
// Framing, checksums, canonical form, order, validation, dry runs, idempotency and
// errors are this package's. The smallest application is in examples/smallest; the
// package contracttest checks an application by one call.
//
// Much of an App need not be written: kvstate is one over maps in memory, sqlstate
// one over tables of a SQL database, and jsonrows and protorows turn structs and
// protobuf messages into rows.
//
// # Who may call
//
// A unix socket lets in its owner. Over TCP, TLS with client certificates lets in
// whom an authority vouches for. Where exporting and importing are for different
// callers, [Options].Guard says who has which [Right]: [AllowCertificates],
// [AllowTokens], [AllowSameUser], several by [FirstGuard], and ServiceAccount
// tokens by the package kubeauth. Credentials are checked when a call begins.
//
// # Watching it
//
// [Options].Metrics counts it; the package metrics has what Prometheus scrapes. Options.Log gets every call at level debug;
// [Redact] leaves out of a message what must not be printed.
//
// # For callers
//
// [Dial] an application, then [Client.Info], [Client.Export] and [Client.Import].
//
// # Promises
//
//   - An export is complete or an error: Export returns nil only after every byte
//     was checked against typed trailers and the call ended with OK.
//   - Equal state gives equal bytes.
//   - An import is applied completely or not at all, and nothing is visible
//     before its commit. The same operation id is never applied twice, as long as
//     its result is remembered.
//   - Data that an upcast leaves behind is counted and reported.
//   - Both sides work in constant memory: a chunk and a row at a time.
//   - Every error carries a code and a [Reason] from a closed list, and callers
//     get a hint. UNAUTHENTICATED and PERMISSION_DENIED have no reason.
//   - A crash of the application fails the one call, and a server that stops lets
//     imports finish or rolls them back.
//   - Values of sensitive datasets and tokens are in no log and no error.
//
// # Refusals
//
// TCP without TLS unless asked for in as many words, and then without a Guard or
// tokens. TLS before 1.2. Rows out of key order.
// Payloads of later schemas, of other applications, or of schemas without a chain
// of upcasts. Messages about sensitive datasets that might quote a value.
//
// The protocol is proto/appbur/contract/v1, its rules are proto/SPEC.md. Nothing
// of Kubernetes or Git is in the import graph of this package and of those below it,
// kubeauth excepted.
package contract
