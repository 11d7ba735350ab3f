package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

// planOptions are what plan and restore have in common: the same options give the
// same plan.
type planOptions struct {
	repositoryOptions
	clusterOptions
	point  string
	policy restore.Policy
}

func (o *planOptions) addFlags(e *env, command *cobra.Command) {
	o.repositoryOptions.addFlags(e, command)
	o.addReadFlags(e, command)
	o.addHistoryFlags(e, command)
	o.clusterOptions.addFlags(command)
	command.Flags().BoolVar(&o.policy.AllowBlocked, "allow-blocked", false, "go on without objects that the target cannot take")
	command.Flags().BoolVar(&o.policy.ForceConflicts, "force-conflicts", false, "take over fields of existing objects that other managers own")
}

// planned is a plan with what it was made of.
type planned struct {
	plan    *restore.Plan
	repo    *repository.Repository
	loaded  *repository.Loaded
	rules   *manifest.Rules
	config  *rest.Config
	cluster restore.Cluster
}

func (o *planOptions) make(ctx context.Context, e *env) (planned, error) {
	config, err := o.restConfig()
	if err != nil {
		return planned{}, err
	}
	repo, loaded, err := o.load(ctx, e, o.point)
	if err != nil {
		return planned{}, err
	}
	rules, err := repo.ManifestRules()
	if err != nil {
		return planned{}, err
	}

	bar := e.bar("reading the target", progress.Uncounted)
	defer bar.finish()
	target, err := targetOf(ctx, e, config)
	if err != nil {
		return planned{}, err
	}
	plan, err := o.planFor(ctx, config, pointOf(loaded), target)
	if err != nil {
		return planned{}, err
	}
	cluster, err := restore.NewCluster(config)
	if err != nil {
		return planned{}, err
	}
	return planned{plan, repo, loaded, rules, config, cluster}, nil
}

// planFor asks the target what the plan has to know of it, and plans.
func (o *planOptions) planFor(ctx context.Context, config *rest.Config, point restore.Point, target compat.Target) (*restore.Plan, error) {
	cluster, err := restore.NewCluster(config)
	if err != nil {
		return nil, err
	}
	surroundings, err := restore.Survey(ctx, point, cluster)
	if err != nil {
		return nil, clusterHint(err)
	}
	return restore.NewPlan(point, target, restore.Options{Policy: o.policy, Surroundings: surroundings})
}

// pointOf hands what the repository holds to the restore engine, which does not
// know repositories.
func pointOf(loaded *repository.Loaded) restore.Point {
	point := restore.Point{Meta: loaded.Meta, Index: loaded.Index, Objects: make([]restore.Object, len(loaded.Objects))}
	for i, object := range loaded.Objects {
		point.Objects[i] = restore.Object{ID: object.ID, APIVersion: object.APIVersion, Content: object.Content, Secrets: object.Secrets}
	}
	return point
}

func newPlan(e *env) *cobra.Command {
	var (
		o        planOptions
		exitCode bool
		full     bool
		asJSON   bool
	)

	command := &cobra.Command{
		Use:   "plan POINT",
		Short: "Show what restoring a point to a cluster would do, and why",
		Long: `Show which cluster the target is, and what restoring a restore point to it would
do, and why: every object with its action, what is converted, what is lost, what
is blocked. If it is the cluster that the point was taken of, the plan says what
changed there since, which a restore would undo. Nothing is changed. ` + "`appbur restore`" + ` with the same options does exactly this.` +
			exitStatus("0  planned", "4  with --exit-code: the plan has steps", "10 no repository or no such point",
				"5  the history was rewritten (docs/trust.md)", "12 a key, a login or a signature was refused",
				"20 blocked objects and no --allow-blocked"),
		Example: `  appbur plan latest --repo ./mgmt.git --kubeconfig new.yaml
  appbur plan latest --repo ./mgmt.git --kubeconfig new.yaml --full | less
  appbur plan latest --repo ./mgmt.git --kubeconfig new.yaml --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.point = args[0]
			made, err := o.make(cmd.Context(), e)
			if err != nil {
				return err
			}
			target, err := o.identify(cmd.Context(), e, made)
			if err != nil {
				return err
			}
			if asJSON {
				err = e.printJSON(struct {
					*restore.Plan
					Target targetCluster `json:"target"`
				}{made.plan, target})
			} else {
				e.printTarget(e.paragraphs(fieldIndent), target)
				fmt.Fprintln(e.Out)
				err = e.printPlan(made.plan, full)
			}
			switch {
			case err != nil:
				return err
			case len(made.plan.Blocked()) > 0 && !o.policy.AllowBlocked:
				return &outcome{ExitIncompatible, "some objects are blocked"}
			case exitCode && len(made.plan.Steps) > 0:
				return errDifferent
			}
			return nil
		},
	}

	o.addFlags(e, command)
	command.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 4 when the plan has steps")
	command.Flags().BoolVar(&full, "full", false, "show every step instead of a summary")
	jsonFlag(command, &asJSON)
	return command
}

// printPlan writes a plan to Out.
func (e *env) printPlan(plan *restore.Plan, full bool) error {
	if full {
		return plan.WriteText(e.Out)
	}
	return plan.Render(e.paragraphs(4))
}
