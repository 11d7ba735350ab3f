package cli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
)

func newRemotesRequire(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "require [N|all]",
		Short: "Say how many remotes must hold a restore point, or show it",
		Long: `Say how many remotes must hold a restore point for a backup to be done. When fewer
do, ` + "`backup` and `remotes push`" + ` exit with 3. It is all of them unless this says
otherwise; 0 requires none. Without an argument it is shown.

It is the setting appbur.requiredRemotes in the configuration of the repository.` +
			exitStatus("0  set, or shown", "10 no repository", "11 another process writes to the repository", "64 not a number"),
		Example: `  appbur remotes require 1 --repo ./mgmt.git
  appbur remotes require all --repo ./mgmt.git
  appbur remotes require --repo ./mgmt.git --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := o.open()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				n, err := requirement(args[0])
				if err != nil {
					return err
				}
				if err := repo.RequireRemotes(cmd.Context(), n); err != nil {
					return err
				}
			}
			return e.showRequired(repo, asJSON)
		},
	}
	o.addFlags(e, command)
	jsonFlag(command, &asJSON)
	return command
}

func requirement(text string) (int, error) {
	if text == "all" {
		return repository.AllRemotes, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, &usageError{appbur.WithHint(fmt.Errorf("%q is not a number of remotes", text), "pass 0, 1, 2 … or all")}
	}
	return n, nil
}

func (e *env) showRequired(repo *repository.Repository, asJSON bool) error {
	required, err := repo.RequiredRemotes()
	remotes, listErr := repo.Remotes()
	if err := errors.Join(err, listErr); err != nil {
		return err
	}
	if asJSON {
		return e.printJSON(struct {
			Required int `json:"required"`
			Remotes  int `json:"remotes"`
		}{required, len(remotes)})
	}
	fmt.Fprintf(e.Out, "required  %d of %s\n", required, count(len(remotes), "remote"))
	if required > len(remotes) {
		e.warn("there are fewer remotes than required, so no restore point counts as replicated")
	}
	return nil
}

// sayRequired says how many of some remotes are required.
func (e *env) sayRequired(repo *repository.Repository, remotes int) error {
	required, err := repo.RequiredRemotes()
	if err == nil && remotes > 0 {
		e.say("%d of %s must hold a restore point (appbur remotes require).", required, count(remotes, "remote"))
	}
	return err
}
