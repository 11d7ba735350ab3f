// Package manifestfiles reads Kubernetes objects where people keep them: files of YAML and JSON, directories,
// kustomizations, and streams such as what `helm template` prints. Each object comes with its file and line.
//
//	r := manifestfiles.Reader{Take: func(o manifestfiles.Object) { … }} // called from several goroutines
//	found, err := r.Path(ctx, "deploy")                              // or r.Stream(ctx, "stdin", os.Stdin)
//
// What is read: documents of a stream, one after the other, so that no stream is ever whole in memory; lists, whose items
// are objects of their own; and in a directory every .yaml, .yml and .json file. A directory with a kustomization is built
// by kustomize's own library, and neither its files nor those of its bases are read again as they are.
//
// # Refusals
//
// What cannot be read is an error with its file and line; all of a run are told at once ([Errors]). Nothing is fetched:
// a kustomization that names an address is refused. No chart is rendered and no plugin runs: the templates of a chart are
// told ([Found.Charts]), because what is in them was not looked at.
package manifestfiles
