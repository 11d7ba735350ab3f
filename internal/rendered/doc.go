// Package rendered is a directory of plain manifests that kubectl, Argo CD and Flux apply without
// appbur: one file for each object, in numbered phases, each a kustomization.
//
//	set, err := rendered.NewSet(objects, about, seal)   // pure: the files, and what kustomize cannot take
//	dir, err := rendered.Open(path)                     // refuses what it would lose
//	err = dir.Write(set.Files)                          // durable, and repeatable after a kill
//
// # Promises
//
//   - The same objects give the same files. A sealed file is kept byte for byte as long as it opens
//     to the same object.
//   - Nothing is written outside of the directory, whatever objects are called.
//   - A file that was not rendered, or was changed since, is neither replaced nor deleted: [Open]
//     refuses the directory. A .git in it is left alone.
package rendered
