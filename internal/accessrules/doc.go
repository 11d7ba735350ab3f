// Package accessrules says what an account of Kubernetes has to be allowed so that
// `appbur run` can do its work, as RBAC objects, and nothing beyond it.
//
// The usual way in:
//
//	objects := accessrules.Objects(accessrules.Account{Namespace: "appbur-system", Name: "appbur"}, accessrules.Work{
//		Saved: []accessrules.Resource{{Name: "configmaps", Watched: true}},
//	})
//	text, err := accessrules.YAML(objects)
//
// # Promises
//
//   - The same work gives the same bytes: rules and what is in them are sorted.
//   - Every verb has a reader: a test takes each right away and waits for somebody to say what is
//     missing.
//   - What is saved is listed and watched. That is all that a reader of whole types does, and it
//     leaves out get, which means more than reading where it is allowed for all resources: a GET of
//     nodes/proxy or pods/exec runs programs.
//
// # Refusals
//
// The package writes no right to change an object, and never one for all resources of a verb that
// changes anything. It is pure: what a cluster serves comes in as values.
package accessrules
