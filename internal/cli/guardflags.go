package cli

import (
	"github.com/spf13/cobra"

	"github.com/appbur/appbur/internal/repository"
)

func addGuardFlags(command *cobra.Command, guards *repository.Guards) {
	command.Flags().BoolVar(&guards.AdoptCluster, "adopt-cluster", false, "go on with the history of another cluster (recorded in the commit)")
	command.Flags().BoolVar(&guards.AcceptHistory, "accept-history", false,
		"go on from a history that is not the one seen before (recorded in the commit)")
	command.Flags().BoolVar(&guards.AllowCollapse, "allow-collapse", false,
		"believe that most saved objects are really gone (recorded in the commit)")
}
