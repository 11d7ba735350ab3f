package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/pkg/restore"
)

// pruneOptions say whether a restore deletes what the point does not have.
type pruneOptions struct {
	prune        bool
	wholeCluster bool
}

func (o *pruneOptions) addFlags(command *cobra.Command) {
	command.Flags().BoolVar(&o.prune, "prune", false,
		"delete what the selection covers and the restore point does not have: each is listed in the plan, and has to be confirmed by its number")
	command.Flags().BoolVar(&o.wholeCluster, "whole-cluster", false, "with --prune and without a selection: in the whole cluster")
}

// checkPrune refuses what would delete more than is meant, before any long work.
func (o *planOptions) checkPrune() error {
	w := o.words
	selects := len(w.Namespaces)+len(w.Kinds)+len(w.Names)+len(w.Objects) > 0 || w.Labels != ""
	switch {
	case o.pruning.wholeCluster && !o.pruning.prune:
		return &usageError{appbur.WithHint(errors.New("--whole-cluster is for --prune, which is not given"), "leave it out, or add --prune")}
	case !o.pruning.prune:
		return nil
	case o.pruning.wholeCluster && selects:
		return &usageError{appbur.WithHint(errors.New("--whole-cluster and a selection contradict each other"), "leave one of them out")}
	case !selects && !o.pruning.wholeCluster:
		return &usageError{appbur.WithHint(errors.New("--prune without a selection would delete in the whole cluster"),
			"select with -n, --kind, --name or -l, or say --whole-cluster")}
	case o.only == onlyState:
		return &usageError{appbur.WithHint(errors.New("--prune is about objects, and --only state leaves them out"), "leave one of them out")}
	case o.rewrites.renames():
		return &usageError{appbur.WithHint(
			errors.New("--prune does not go with --map-namespace or --overlay: what the restore point lacks is not what is lacking elsewhere"),
			"restore without --prune, then delete what `appbur verify` lists as added")}
	}
	return nil
}

// addPrune adds what is to be deleted to the plan.
func (o *planOptions) addPrune(ctx context.Context, e *env, made planned) error {
	if !o.pruning.prune {
		return nil
	}
	bar := e.bar("looking for what was added", progress.Uncounted)
	defer bar.finish()
	err := restore.Prune(ctx, made.plan, made.cluster, made.rules)
	if errors.Is(err, restore.ErrPrunePartial) {
		return &usageError{appbur.WithHint(fmt.Errorf("--prune: %w", err), "prune by a complete restore point: `appbur points list`")}
	}
	return clusterHint(err)
}

// agreeToPrune lets a restore delete when somebody has given the number of objects.
func (e *env) agreeToPrune(ctx context.Context, o *restoreOptions, made planned, target targetCluster) error {
	n := len(made.plan.Prunes())
	given := o.pruneCount >= 0
	switch {
	case given && o.pruneCount != n:
		return &usageError{appbur.WithHint(fmt.Errorf("--prune-count %d: the plan deletes %s", o.pruneCount, count(n, "object")),
			"look at the plan again; nothing was changed")}
	case n == 0 || given && o.yes:
		return e.agree(ctx, o, made, target)
	case o.yes:
		return &usageError{appbur.WithHint(fmt.Errorf("--yes alone does not confirm that %s %s deleted", count(n, "object"),
			map[bool]string{true: "is", false: "are"}[n == 1]), fmt.Sprintf("look at the plan, then pass --prune-count %d as well", n))}
	}

	if o.json {
		e.printTarget(e.Err, target)
	}
	question := fmt.Sprintf("Restore %s to %s and delete %s?", made.plan.Point, oneLine(target.name()), count(n, "object"))
	if given {
		return e.confirm(ctx, question)
	}
	return e.confirmBy(ctx, question+" Type the number of objects to delete:", fmt.Sprint(n), fmt.Sprintf("pass --yes --prune-count %d", n))
}
