// Package selection finds out which objects and applications of a restore point are
// meant, from what a person says on a command line.
//
// The usual way in:
//
//	selector, err := selection.Parse(selection.Words{Namespaces: []string{"team-*"}})
//	chosen, err := selector.Resolve(objects, resources)
//	chosen.Holds(object)
//
// The words are those of kubectl. Of each list one has to match, and all lists that are
// given have to match; what an exclusion matches is left out whatever else does. "*" and
// "?" match any characters in namespaces, kinds and names, and [a-z] one of some, as in
// path.Match. A kind is a kind, a resource or a short name, with or without its group. A
// namespace means what is in it and the Namespace itself.
//
// # Promises
//
//   - A word that matches nothing in the restore point is an error that names the word, as
//     is one that means several kinds: a restore of nothing, or of another thing, looks
//     like success. An exclusion that matches nothing is reported by [Selection.Idle].
//   - The same words select the same objects, in whatever order either comes.
//
// The package is pure: no client, no files. It knows nothing of what the selected objects
// need; pkg/restore does.
package selection
