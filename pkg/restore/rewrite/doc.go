// Package rewrite changes a restore point on its way into a cluster: other names of namespaces,
// image repositories and storage classes.
//
//	namespaces, err := rewrite.ParseNamespaces([]string{"shop=shop-copy"})
//	changed, err := rewrite.Changes{Namespaces: namespaces}.Apply(point) // pure
//	plan, err := restore.NewPlan(changed, target, options)               // shows what was changed, and why
//
// It comes after the selection and before the plan, so that plan, restore and verify see one and
// the same changed point.
//
// # What a namespace map changes
//
// The Namespace itself, what lies in it, and every reference to it in the fields of a table
// ([NamespaceFields]): data, each row with a reason and a source. Users add rows for their own
// kinds ([ParseFields]). All pairs of a map count at once: a=b with b=a swaps two namespaces.
//
// What only looks like a reference stays and is told in a note: a DNS name in an environment
// variable, a command line, a field called namespace that no row knows.
//
// # Beside the original
//
// If the target still has what is mapped, the restored namespace is a copy that lives beside it.
// An object outside of both whose references change, and which in the target names the old
// namespace, belongs to the original and is not taken away from it (beside.go): a binding gets a
// second one with another name for the subjects of the copy, and everything else is left out and
// told. A second run finds what the first one made, and takes it for its own.
//
// # Promises
//
//   - Apply is a function: no client, no clock, no file. It modifies no content of the point it
//     is given, and shares what it does not change.
//   - Two objects that would get one id are an error that names them ([CollisionError]).
//   - Each object says what was changed in it ([restore.Object.Rewritten]). No value of an object
//     is in there but the names that were replaced.
//   - The index follows: owners, status and field managers are found under the new id.
package rewrite
