package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

type repoMaintainOptions struct {
	repositoryOptions
	full        bool
	pruneExpire time.Duration
	json        bool
}

// noPrune is the value of --prune-expire that prunes nothing.
const noPrune = -1

func newRepoMaintain(e *env) *cobra.Command {
	o := &repoMaintainOptions{}
	command := &cobra.Command{
		Use:   "maintain",
		Short: "Pack the repository's objects together",
		Long: `Pack the repository's objects together, as changes of one another where that is
smaller. Reading and writing may go on meanwhile. Nothing is removed before its
successor is on the disk, so this may be stopped at any moment.

Objects that no branch, tag or reflog needs any more, such as the payloads of deleted
restore points, stay until --prune-expire is given: then they are deleted if they were
not used for that long. Give more time than any backup takes; git's own choice is
two weeks (336h).` +
			exitStatus("0  done, even if there was nothing to do", "1  failed, the repository is intact", "10 no repository",
				"11 another maintenance is at work, or objects came into use while they were being pruned", "64 wrong command line"),
		Example: `  appbur repo maintain --repo ./mgmt.git
  appbur repo maintain --repo ./mgmt.git --full --prune-expire 336h`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.pruneExpire < 0 && cmd.Flags().Changed("prune-expire") {
				return &usageError{appbur.WithHint(errors.New("--prune-expire must not be negative"), "pass a time such as 336h")}
			}
			return repoMaintainRun(cmd.Context(), e, o)
		},
	}
	command.Flags().StringVar(&o.repo, "repo", e.getenv(envRepository), "`DIR` of the repository (default: $"+envRepository+")")
	command.Flags().BoolVar(&o.full, "full", false, "pack everything into one pack, instead of what is worth it")
	command.Flags().DurationVar(&o.pruneExpire, "prune-expire", noPrune,
		"drop unreachable objects that were not used for this `LONG` (default: drop nothing)")
	command.Flags().Lookup("prune-expire").DefValue = "0s" // the help says it in words
	jsonFlag(command, &o.json)
	return command
}

func repoMaintainRun(ctx context.Context, e *env, o *repoMaintainOptions) error {
	repo, err := o.open()
	if err != nil {
		return err
	}
	options := gitsync.MaintainOptions{Full: o.full}
	if o.pruneExpire >= 0 {
		options.PruneBefore = e.now().Add(-o.pruneExpire)
	}

	bar := e.bar("packing", "objects")
	options.Progress = bar.setInts
	r, err := repo.Maintain(ctx, options)
	seconds := bar.finish().Seconds()
	if err != nil {
		return err
	}

	if o.json {
		return e.printJSON(maintenanceOf(r, seconds))
	}
	fmt.Fprintf(e.Out, "packs    %d, before %d\n", r.PacksAfter, r.PacksBefore)
	fmt.Fprintf(e.Out, "bytes    %d, before %d\n", r.BytesAfter, r.BytesBefore)
	fmt.Fprintf(e.Out, "packed   %d objects, %d of them newly as changes of others\n", r.Rewritten, r.Deltas)
	if o.pruneExpire >= 0 {
		fmt.Fprintf(e.Out, "pruned   %d objects; %d that nothing needs are too young\n", r.Pruned, r.SetAside)
	}
	return nil
}

// maintenanceReport is what `repo maintain --json` prints (docs/json.md).
type maintenanceReport struct {
	PacksBefore int     `json:"packsBefore"`
	PacksAfter  int     `json:"packsAfter"`
	BytesBefore int64   `json:"bytesBefore"`
	BytesAfter  int64   `json:"bytesAfter"`
	Rewritten   int     `json:"rewritten"`
	Deltas      int     `json:"deltas"`
	Loose       int     `json:"loose"`
	Pruned      int     `json:"pruned"`
	SetAside    int     `json:"setAside"`
	Seconds     float64 `json:"seconds"`
}

func maintenanceOf(r gitsync.MaintainReport, seconds float64) maintenanceReport {
	return maintenanceReport{
		r.PacksBefore, r.PacksAfter, r.BytesBefore, r.BytesAfter, r.Rewritten, r.Deltas, r.Loose, r.Pruned, r.SetAside,
		seconds,
	}
}
