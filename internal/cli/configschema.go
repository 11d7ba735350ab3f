package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur/internal/configuration"
)

func newConfigSchema(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of the configuration of appbur run",
		Long: `Print the JSON schema (draft 2020-12) of the file that appbur run --config reads. Editors
complete and check by it: begin the file with the line
  # yaml-language-server: $schema=appbur.schema.json` +
			exitStatus("0  printed"),
		Example: `  appbur config schema > appbur.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			schema, err := configuration.Schema()
			if err != nil {
				return err
			}
			if _, err := e.Out.Write(schema); err != nil {
				return fmt.Errorf("writing the schema: %w", err)
			}
			return nil
		},
	}
}
