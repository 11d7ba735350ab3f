// Command lifecyclegen writes the lifecycle table of package compat.
//
// Most rows come from the lifecycle methods that k8s.io/api, apiextensions and
// kube-aggregator define on their types; the same methods decide inside
// kube-apiserver what a release serves. The rest is the overlay: types that were
// deleted from those modules, and corrections, each with its reason. The result
// is committed, so that package compat needs none of these modules, and so that
// a newer k8s.io/api, which forgets old types, never shrinks the table unseen.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	output := flag.String("o", "lifecycle.json", "file to write")
	flag.Parse()
	data, err := generate()
	if err == nil {
		err = os.WriteFile(*output, data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lifecyclegen:", err)
		os.Exit(1)
	}
}
