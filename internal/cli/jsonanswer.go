package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// answersJSON reports whether --json was given to a command.
func answersJSON(command *cobra.Command) bool {
	flag := command.Flags().Lookup("json")
	return flag != nil && flag.Value.String() == "true"
}

// printJSON writes a value as indented JSON: the form that --json promises.
func (e *env) printJSON(value any) error {
	encoder := json.NewEncoder(e.Out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}
