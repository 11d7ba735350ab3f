package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
)

type pointsDeleteOptions struct {
	repositoryOptions
	names    []string
	lastGood bool
	yes      bool
	json     bool
}

func newPointsDelete(e *env) *cobra.Command {
	o := &pointsDeleteOptions{}
	command := &cobra.Command{
		Use:   "delete POINT...",
		Short: "Delete restore points",
		Long: `Delete restore points, all of those that are named or none. The history of the
manifests on main stays; what only these points held is freed by the next
maintenance of the repository. Copies of the repository keep their tags until
they are told.

The last point that holds a good state of the cluster, or of an application,
is not deleted without --last-good. A point that cannot be read, or that nobody
trusted has signed, is no good state of anything and may be deleted.` +
			exitStatus("0  deleted", "1  refused: the last good point", "10 no repository or no such point",
				"11 another process changed points at the same time",
				"12 no signer is trusted, so no point is known to be good, and no --last-good", "64 no terminal and no --yes",
				"130 not confirmed, nothing was deleted"),
		Example: `  appbur points delete 20261121T030238Z --repo ./mgmt.git
  appbur points delete 20261121T030238Z 20261121T040000Z --repo ./mgmt.git --yes`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			return pointsDeleteRun(cmd.Context(), e, o)
		},
	}
	o.addFlags(e, command)
	o.addTrustFlag(command)
	command.Flags().BoolVar(&o.lastGood, "last-good", false, "delete even the last good point of the cluster or of an application")
	command.Flags().BoolVar(&o.yes, "yes", false, "do not ask for confirmation")
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

func pointsDeleteRun(ctx context.Context, e *env, o *pointsDeleteOptions) error {
	repo, trusted, err := o.prunable(e)
	if err != nil {
		return err
	}
	var ids []appbur.RestorePointID
	t := e.newTable(pointsDeleteColumns...)

	for _, name := range o.names {
		ref, err := repo.Resolve(name)
		if err != nil {
			return err
		}
		if slices.Contains(ids, ref.ID) {
			continue
		}
		description, err := repo.Describe(ref)
		if errors.Is(err, repository.ErrUnreadable) {
			t.add(coloured(sgrCyan, string(ref.ID)), plain(""), plain(""), plain(""), coloured(sgrRed, "unreadable"))
		} else if err != nil {
			return err
		} else {
			t.add(coloured(sgrCyan, string(ref.ID)), plain(e.when(description.Created)), number(description.Objects), appsOf(description),
				stateOf(description))
		}
		ids = append(ids, ref.ID)
	}

	// What will be refused is refused before anybody is asked.
	if !o.lastGood {
		if err := repo.MayDelete(ids, trusted); err != nil {
			return err
		}
	}
	if !o.json {
		t.print(e.Out)
	}
	if !o.yes {
		if err := e.confirm(ctx, fmt.Sprintf("Delete %s?", count(len(ids), "restore point"))); err != nil {
			return err
		}
	}

	bar := e.bar("deleting "+count(len(ids), "restore point"), progress.Uncounted)
	err = repo.DeletePoints(ctx, ids, trusted, o.lastGood)
	bar.finish()
	if err != nil {
		return err
	}
	if o.json {
		return e.printJSON(struct {
			Deleted []appbur.RestorePointID `json:"deleted"`
		}{ids})
	}
	e.say("Deleted %s. Their payloads are freed by the next maintenance of the repository.", count(len(ids), "restore point"))
	return nil
}
