// Package kindname reads what people call kinds of objects: the kind, the resource or a
// short name, in any case, with or without the API group.
//
//	name := kindname.Parse("deploy")
//	name.Fits(appbur.GroupKind{Group: "apps", Kind: "Deployment"}) // true
//
// It knows the short names of built-in kinds and the regular plurals of English, which are
// those of the resources of Kubernetes. What a CustomResourceDefinition calls its kind
// besides is known to the caller. The package is pure.
package kindname
