// Package verdicts judges many objects for one or several releases of Kubernetes, wherever the objects were read.
//
//	j := verdicts.New(source, releases...)
//	j.Add(object)            // for each object, from any goroutine: most are judged at once and not kept
//	judged := j.Finish(nil)  // custom resources are judged by the definitions among the objects
//
// [Report] makes findings of it, and [Path] tells what happens on the way from one release to another, a release at a time.
//
// The package is pure: no client, no files.
package verdicts
