// Command appbur saves Kubernetes management clusters to Git and restores them,
// also into newer Kubernetes. Everything it does is in internal/cli.
package main

import (
	"os"

	"github.com/appbur/appbur/internal/cli"
)

func main() { os.Exit(cli.Main()) }
