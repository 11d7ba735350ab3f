// Package overlay changes a restore point by a kustomize overlay, in memory.
//
//	o, err := overlay.Read(directory)      // an fs.FS; everything is read and checked here
//	changed, err := o.Apply(point)
//
// The restore point is a base that the overlay names as a resource:
//
//	resources: [restore-point]
//	patches: [...]
//
// Patches, replacements, components, labels, images and generators work as in kustomize, because
// it is kustomize that runs.
//
// # Refusals
//
// An overlay is somebody's text, so what it can reach is decided before kustomize sees it
// (check.go): nothing outside of the directory, no address of any kind, no plugin, no program, no
// chart, no variable of the environment. What is refused is an [Error] with its file and line.
// kustomize then works in a file system that has nothing but the overlay and the point.
//
// # Promises
//
//   - An object that the overlay does not change is the same value afterwards; kustomize does not
//     write it anew.
//   - kustomize gets the objects that the overlay can be about (needs.go), and no others: it holds
//     some 60 times their size.
//   - Secret values stay in memory: no text of this package has values of objects, and errors of
//     kustomize have none of Secrets.
package overlay
