// Package apps moves application state between running applications and restore
// points: it joins the contract's client (pkg/contract) with the rules of
// payload compatibility (pkg/compat/payload).
//
// The usual way in is [Parse] for what a user typed, then [Export] for a backup,
// [Importer] for a restore, and [Check] to compare a running application with
// what is saved.
//
// # Promises
//
//   - An export counts only when every byte that the application announced has
//     arrived and agrees with its checksums.
//   - An import counts only when the application exports again
//     exactly the rows that were saved, changed as it declared. The declared change
//     is applied here, by other code than the application's own. Opaque datasets
//     are compared byte for byte while their schema is the same; what an
//     application made of an older one is not checked, and the result reports it.
package apps
