package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
)

func newUndo(e *env) *cobra.Command {
	o := &restoreOptions{}
	command := &cobra.Command{
		Use:   "undo",
		Short: "Undo the last restore to a cluster",
		Long: `Undo the last restore to a cluster: show the plan, ask for confirmation, bring the
objects that it changed or deleted back to what they were right before it, and
delete those that it made. Undo again to undo the restore before it.

A restore saves what it is about to change in this copy of the repository. An object
that it made is deleted if it is still the same one; claims and volumes stay, because
they may hold data by now, and so do namespaces and definitions with something in them that the
restore did not make. Imported application state stays as it is.

It can be repeated until it is complete.` +
			exitStatus("0  done", "1  failed", "3  some objects failed, or nobody answers for webhooks that were silenced",
				"10 no repository, or nothing to undo",
				"11 somebody else restores to this cluster (nothing was changed), or took it over",
				"12 a key, a login or a signature was refused, or the account lacks rights (nothing was changed)",
				"64 no terminal and no --yes, or objects are deleted and --prune-count does not give their number", "130 cancelled; run again to go on"),
		Example: `  appbur undo --repo ./mgmt.git --kubeconfig mgmt.yaml
  appbur undo --repo ./mgmt.git --kubeconfig mgmt.yaml --dry-run
  appbur undo --repo ./mgmt.git --kubeconfig mgmt.yaml --yes --prune-count 3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return undoRun(cmd.Context(), e, o) },
	}

	o.repositoryOptions.addFlags(e, command)
	o.addReadFlags(e, command)
	o.clusterOptions.addFlags(command)
	o.addPolicyFlags(command)
	o.addLockFlag(command)
	o.addTakeOverFlag(command)
	command.Flags().BoolVar(&o.yes, "yes", false, "do not ask for confirmation")
	command.Flags().IntVar(&o.pruneCount, "prune-count", -1, "confirm that this `NUMBER` of objects is deleted, as the plan says")
	command.Flags().BoolVar(&o.dryRun, "dry-run", false, "send every request as a dry run (dryRun=All), and change nothing")
	o.silence.addFlags(command)
	waitFlag(command, &o.wait)
	jsonFlag(command, &o.json)
	return command
}

func undoRun(ctx context.Context, e *env, o *restoreOptions) error {
	if err := checkWait(o.wait); err != nil {
		return err
	}
	made, target, undo, err := o.makeUndo(ctx, e)
	if err != nil {
		return err
	}
	if !o.json {
		e.printUndo(undo)
		if err := e.printPlanFor(target, made.plan); err != nil {
			return err
		}
	}

	silent := &silencing{admission: &restore.Admission{}}
	if *silent.admission, err = e.admission(ctx, &made, o.silence); err != nil {
		return err
	}
	if err := e.requireRights(ctx, made, o.json); err != nil {
		return err
	}
	e.tellAdmission(o, *silent.admission)
	cluster := made.cluster
	if o.dryRun {
		cluster = restore.DryRun(cluster, silent.admission.Webhooks...)
	} else if err := e.agreeToPrune(ctx, o, made, target); err != nil {
		return err
	}
	run, err := e.openRun(ctx, o, made, !o.dryRun)
	if err != nil {
		return err
	}
	if !o.dryRun {
		silencer := restore.Silencer{Cluster: run.cluster(made.plain), Wait: o.wait}
		if cluster, err = silent.begin(run.ctx, e, o.silence, made.plan, silencer); err != nil {
			return run.end(e, err)
		}
	}

	bar := e.bar("undoing", "steps")
	report, err := restore.Applier{Cluster: cluster, Reporter: stepProgress{bar}, Rules: made.rules, Hint: ownHint}.Apply(run.ctx, made.plan)
	took := bar.finish()
	err = run.end(e, silent.end(run.ctx, e, err))
	if err == nil && !o.dryRun {
		if err := made.repo.DropUndo(ctx, undo); err != nil {
			return fmt.Errorf("everything is as it was, but the undo point is still there: %w", err)
		}
	}
	if printErr := e.printReport(report, activation{Kept: []pause.Outcome{}}, took, o, target, nil, run.answer, nil, silent); printErr != nil {
		return printErr
	}
	return err
}

// printUndo says what is undone.
func (e *env) printUndo(u repository.Undo) {
	what := string(u.Point)
	if u.Part != "" {
		what += " (" + oneLine(u.Part) + ")"
	}
	fmt.Fprintf(e.Out, "Undo the restore of %s, begun %s\n", what, u.Created.Format(time.RFC3339))
	if !u.Ended {
		e.warn("that restore did not end: what was not there before it and was made since counts as made by it")
	}
	for _, app := range u.Apps {
		e.warn("the state that it imported into the application %s stays", oneLine(app))
	}
}

// makeUndo plans to undo the last restore.
func (o *restoreOptions) makeUndo(ctx context.Context, e *env) (made planned, target targetCluster, undo repository.Undo, err error) {
	if err = o.readPolicy(); err != nil {
		return made, target, undo, err
	}
	if made.config, err = o.restConfig(); err != nil {
		return made, target, undo, err
	}
	if made.repo, err = o.open(); err != nil {
		return made, target, undo, err
	}
	keys, err := o.judgeKeys(e, made.repo)
	if err != nil {
		return made, target, undo, err
	}
	trusted, err := o.trustRoot(e, keys)
	if err == nil {
		err = made.repo.CheckPolicy(trusted)
	}
	if err != nil {
		return made, target, undo, err
	}
	if made.rules, err = made.repo.ManifestRules(); err != nil {
		return made, target, undo, err
	}

	made.besides = o.lockRights()
	if made.cluster, err = restore.NewCluster(made.config); err != nil {
		return made, target, undo, err
	}
	made.beforeSilence()
	if target, err = o.which(ctx, made); err != nil {
		return made, target, undo, err
	}
	if undo, err = e.lastUndo(made.repo, target, trusted); err != nil {
		return made, target, undo, err
	}
	opener, err := o.opener(e, keys)
	if err != nil {
		return made, target, undo, err
	}
	if made.loaded, err = made.repo.LoadUndo(ctx, undo, opener); err != nil {
		return made, target, undo, err
	}
	err = o.planUndo(ctx, e, &made, undo)
	if err == nil {
		target.Version = made.plan.Target
	}
	return made, target, undo, err
}

// lastUndo finds the newest undo point of the target.
func (e *env) lastUndo(repo *repository.Repository, target targetCluster, trusted []byte) (repository.Undo, error) {
	if target.ID == "" {
		return repository.Undo{}, clusterHint(target.unknown)
	}
	list, rejected, err := repo.Undos(target.ID, trusted)
	if err != nil {
		return repository.Undo{}, err
	}
	for _, why := range rejected {
		e.warn("%s; it is passed over", oneLine(why.Error()))
	}
	if len(list) == 0 {
		return repository.Undo{}, appbur.WithHint(
			fmt.Errorf("%w: no restore of this copy of the repository has changed the cluster %s since the last undo", repository.ErrNoUndo, target.ID),
			"a restore is undone from the copy that it was made from; one with --no-undo, or of an older release, cannot be undone")
	}
	return list[0], nil
}

// planUndo makes the plan: what was changed or deleted comes back, what was made is deleted.
func (o *restoreOptions) planUndo(ctx context.Context, e *env, made *planned, undo repository.Undo) error {
	bar := e.bar("reading the target", progress.Uncounted)
	defer bar.finish()
	target, err := targetOf(ctx, e, made.config)
	if err != nil {
		return err
	}
	point := pointOf(made.loaded)
	var unlisted []appbur.GroupKind
	if point.Covered, unlisted, err = servedKinds(ctx, made.config); err != nil {
		return err
	}
	markOwners(&point, undo.Owners)

	o.rewrites.preserve = []string{"node-ports,addresses"} // what comes back was there before
	if err := o.rewrites.read(); err != nil {
		return err
	}
	if point, err = o.rewrites.rewrite(ctx, made.cluster, target, restore.Unsilenced(point)); err != nil {
		return err
	}
	surroundings, err := restore.Survey(ctx, point, target, made.cluster)
	if err != nil {
		return clusterHint(err)
	}
	// Nothing is paused: what comes back ran before.
	if made.plan, err = restore.NewPlan(point, target, restore.Options{Policy: o.policy, Surroundings: surroundings}); err != nil {
		return err
	}
	if o.policy.ReplaceImmutable {
		if err := restore.Replace(ctx, made.plan, made.cluster, made.rules); err != nil {
			return clusterHint(err)
		}
	}
	list := undo.Made
	if !undo.Ended {
		list = undo.Absent
	}
	objects := make([]restore.Made, len(list))
	for i, m := range list {
		objects[i] = restore.Made{Object: m.Object, APIVersion: m.APIVersion, UID: m.UID}
	}
	return clusterHint(restore.Unmake(ctx, made.plan, made.cluster, made.rules, objects, undo.Created, unlisted...))
}

// markOwners says of objects that they are held for those that they own.
func markOwners(point *restore.Point, owners []appbur.ObjectID) {
	owned := map[string]appbur.ObjectID{} // by the uid of the owner
	for _, id := range point.Objects.IDs() {
		for _, owner := range point.Index[id].Owners {
			owned[owner.UID] = id
		}
	}
	for i, id := range point.Objects.IDs() {
		if slices.Contains(owners, id) {
			object := point.Objects.At(i)
			object.Need = &restore.Need{As: "owner", By: owned[point.Index[id].UID]}
			point.Objects.Set(i, object)
		}
	}
}

// servedKinds are all kinds that the target serves and can list, so that it is known what is in a namespace.
// Of groups that it cannot describe now, such as those of an aggregated API that is down, nothing is known.
func servedKinds(ctx context.Context, config *rest.Config) (kinds []restore.CoveredKind, unknown []appbur.GroupKind, err error) {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("kubeconfig: %w", err)
	}
	lists, err := client.ServerPreferredResourcesWithContext(ctx)
	var failed *discovery.ErrGroupDiscoveryFailed
	if errors.As(err, &failed) {
		for gv := range failed.Groups {
			unknown = append(unknown, appbur.GroupKind{Group: gv.Group, Kind: "*"})
		}
		slices.SortFunc(unknown, appbur.GroupKind.Compare)
	} else if err != nil {
		return nil, nil, clusterHint(fmt.Errorf("reading what the target serves, which says what is in a namespace: %w", err))
	}
	for _, list := range lists {
		for _, r := range list.APIResources {
			if slices.Contains([]string(r.Verbs), "list") && !strings.Contains(r.Name, "/") {
				kinds = append(kinds, restore.CoveredKind{APIVersion: list.GroupVersion, Kind: r.Kind, Namespaced: r.Namespaced})
			}
		}
	}
	return kinds, unknown, nil
}
