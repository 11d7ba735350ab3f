// Command docgen writes the command reference, one Markdown file per command,
// into the directory that it is given, and
// the catalogue of the conformance kit into a file. It is run by hack/generate.sh, and the
// result is checked for drift.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/appbur/appbur/internal/cli"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: docgen DIR CONFORMANCE.md")
		os.Exit(64)
	}
	if err := errors.Join(cli.WriteReference(os.Args[1]), cli.WriteConformance(os.Args[2])); err != nil {
		fmt.Fprintln(os.Stderr, "docgen:", err)
		os.Exit(1)
	}
}
