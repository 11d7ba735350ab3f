package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/manifest"
)

// version is set by the linker (see the Makefile).
var version = "unknown"

func newVersion(e *env) *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version of appbur and of the formats it reads and writes",
		Example: `  appbur version
  appbur version --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info := struct {
				Version      string `json:"version"`
				Go           string `json:"go"`
				Platform     string `json:"platform"`
				Rules        string `json:"rulesVersion"`
				Repository   int    `json:"repositoryFormat"`
				RestorePoint int    `json:"restorePointFormat"`
			}{
				version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH,
				manifest.Default().Version(), repository.ConfigFormat, appbur.RestorePointFormat,
			}
			if asJSON {
				return e.printJSON(info)
			}
			fmt.Fprintf(e.Out, "appbur %s (%s, %s)\nrules %s, repository format %d, restore point format %d\n",
				info.Version, info.Go, info.Platform, info.Rules, info.Repository, info.RestorePoint)
			return nil
		},
	}

	jsonFlag(command, &asJSON)
	return command
}
