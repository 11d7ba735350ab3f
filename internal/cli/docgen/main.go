// Command docgen writes the command reference, one Markdown file per command,
// into the directory that it is given. It is run by hack/generate.sh, and the
// result is checked for drift.
package main

import (
	"fmt"
	"os"

	"github.com/appbur/appbur/internal/cli"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: docgen DIR")
		os.Exit(64)
	}
	if err := cli.WriteReference(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "docgen:", err)
		os.Exit(1)
	}
}
