// Package serverask asks API servers whether they would take objects, by dry runs: nothing is stored.
//
//	server, err := serverask.Connect(ctx, config)
//	answer, err := server.Ask(ctx, content)
//
// A server that exists answers for what it is, its admission included. A throwaway one knows nothing, so [Server.Furnish]
// first creates in it what others need to be answered for: namespaces, definitions, accounts and classes.
//
// # Promises
//
//   - Ask sends a create with dryRun=All, and where the object exists an apply with dryRun=All.
//   - An object whose namespace the server lacks is asked about in the namespace default.
//   - What keeps a server from answering about the object itself (no rights, no connection) is [verdicts.Unasked], never a refusal.
package serverask
