package cli

import "github.com/spf13/cobra"

func newRepo(e *env) *cobra.Command {
	command := &cobra.Command{
		Use:   "repo",
		Short: "Look after the Git repository itself",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newRepoCheck(e), newRepoAnchor(e), newRepoMaintain(e))
	return command
}
