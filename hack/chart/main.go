// Chart makes the Helm chart in deploy/chart of the kustomize base and its components in deploy, so that
// both install the same. What a user of the chart can set is in places.go, with the place in the manifests that it
// stands for; Chart.yaml, values.yaml and the templates that are no YAML are written by hand.
//
//	go run ./hack/chart deploy/chart
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: chart DIRECTORY")
		os.Exit(64)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write puts all generated files in the place of those that were generated before.
func write(directory string) error {
	files, err := generate()
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(directory, "templates", "[a-z]*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range old {
		if err := os.Remove(file); err != nil {
			return err
		}
	}

	for name, data := range files {
		if err := os.WriteFile(filepath.Join(directory, name), data, 0o644); err != nil { //nolint:gosec // sources
			return err
		}
	}
	return nil
}
