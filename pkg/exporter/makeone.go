package exporter

import (
	"fmt"

	"github.com/appbur/appbur/pkg/manifest"
)

// makeOne makes a manifest of one object. What goes wrong with an object whose name
// is known is the result's Failure, and costs no other object anything, even when
// the rules panic on unexpected content. The error is for what has no
// name: any file of its type could be about it.
func makeOne(rules *manifest.Rules, item map[string]any) (result manifest.Result, err error) {
	id, err := manifest.IDOf(item)
	if err != nil {
		return manifest.Result{}, err
	}
	revision := manifest.RevisionOf(item) // before the rules take it out
	failed := func(cause error) manifest.Result {
		return manifest.Result{Manifest: manifest.Manifest{ID: id}, Failure: cause}
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			// The value can hold content of the object, and reasons are kept in clear.
			result, err = failed(fmt.Errorf("making its manifest failed: %T; please report this as a bug", panicked)), nil
		}
	}()
	if result, err = rules.Make(item); err != nil {
		return failed(err), nil
	}
	result.Revision = revision
	return result, nil
}
