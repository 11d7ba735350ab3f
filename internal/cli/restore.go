package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
)

const (
	// appReadyTimeout is how long an application may take to become ready for an import.
	appReadyTimeout = 2 * time.Minute
	// appAnswerTimeout is the same for a dry run, before which nothing was restored that an
	// application would have to start for.
	appAnswerTimeout = 10 * time.Second
)

type restoreOptions struct {
	planOptions
	appOptions
	plan      string
	report    string
	yes       bool
	undoNewer bool
	takeOver  bool
	anew      bool
	dryRun    bool
	wait      time.Duration
	appWait   time.Duration
	json      bool
	// pruneCount is how many objects may be deleted, -1 if it was not given.
	pruneCount int
	noUndo     bool
	// watch sees what becomes of the restore; nil for one that nobody watches.
	watch *restoreWatch
}

// restoreWatch is how a drill looks on while it restores.
type restoreWatch struct {
	// admit is asked before anything is written to the target.
	admit func(planned, targetCluster) error

	made     planned
	target   targetCluster
	report   restore.Report
	times    *restoreTimes
	silenced []restore.SilenceOutcome
	// applied says that the restore came as far as the report.
	applied bool
}

func newRestore(e *env) *cobra.Command {
	o := &restoreOptions{}
	command := &cobra.Command{
		Use:   "restore POINT [KIND/NAME...]",
		Short: "Restore a point to a cluster",
		Long: `Restore a restore point to a cluster: show the plan and which cluster it is for,
ask for confirmation, apply it, import the state of the applications, and report. Nothing in the cluster is deleted without
--prune. Objects are applied in the order of their dependencies, owners before what they own;
owner references get the uids that the owners have in this cluster.

What controllers act on, such as a Cluster of Cluster API, a Kustomization of Flux or a
CronJob, is restored paused, and released once everything is restored, or by appbur activate
with --activate later. What runs in the cluster already is not paused.

It can be repeated: what is there already stays as it is, what failed is tried again.
Application state is imported for every --app with an address, and with --find-apps for
those that are found by their Services; an import replaces the state that the application
has. A run after one that was interrupted, or left something behind, continues the same
restore, and imports no state again that is in place.

One restore at a time writes to a cluster: it holds the Lease appbur-restore in kube-system, which
says who restores what since when. State of an application without an address is not
imported, and the restore ends with 3.

The target is asked before what its account may do; where that is not enough,
nothing is changed, and the missing rights are shown as roles that can be applied.

What it will change or delete is saved first, and appbur undo brings it back.

A webhook of the target that nobody answers for refuses what it guards, also the workload that
would answer for it. --silence-dead-webhooks lets that pass, until it is restored.

--dry-run says of each object what the restore would do, and has each --app try
the import without committing it.

Name objects, or select with -n, --kind, --name and -l, to restore a part of the point.
What selected objects need comes with them, and is left as it is where it exists.

If the target is the cluster that the point was taken of, what changed or was
deleted there since would be undone. --yes alone does not confirm that.` +
			exitStatus("0  done", "1  failed", "3  some objects or applications failed, a phase was not ready in time, state was not imported because no address was given, something stays paused, or nobody answers for webhooks that were silenced",
				"5  the history was rewritten (docs/trust.md)", "10 no repository, no such point, or nothing that is meant",
				"11 --plan: the saved plan no longer holds; or somebody else restores to this cluster (nothing was changed), or took it over",
				"12 a key, a login or a signature was refused, or the account lacks rights (nothing was changed)",
				"20 blocked objects and no --allow-blocked; nothing was changed",
				"64 no terminal and no --yes, or --yes alone although the target is newer than the point or objects are deleted", "130 cancelled; run again to go on"),
		Example: `  appbur restore latest --repo ./mgmt.git --kubeconfig new.yaml
  appbur restore latest --repo ./mgmt.git --kubeconfig new.yaml --dry-run
  appbur restore latest -n team-a --repo ./mgmt.git --kubeconfig mgmt.yaml
  appbur restore latest -n team-a --prune --repo ./mgmt.git --kubeconfig mgmt.yaml
  appbur restore latest deployment/web -n team-a --repo ./mgmt.git --kubeconfig mgmt.yaml
  appbur restore latest --phases phases.yaml --repo ./mgmt.git --kubeconfig new.yaml
  appbur restore --plan restore.plan --repo ./mgmt.git --kubeconfig new.yaml
  appbur restore latest --repo ./mgmt.git --kubeconfig new.yaml --find-apps
  appbur restore 20261121T030238Z --repo ./mgmt.git --kubeconfig new.yaml --yes --app fleet-system/fleet=fleet2.example:7443`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.plan != "" {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.MinimumNArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.dryRun && !cmd.Flags().Changed("app-wait") {
				o.appWait = appAnswerTimeout
			}
			if o.plan != "" {
				return restorePlan(cmd, e, o)
			}
			o.point, o.words.Objects = args[0], args[1:]
			o.targets = o.takeApps(o.targets)
			return restoreRun(cmd.Context(), e, o, nil)
		},
	}
	o.planOptions.addFlags(e, command)
	o.appOptions.addFlags(command, "whose saved state is imported")
	o.finding.addFlags(command)
	o.appOrder.addFlags(command)
	addAppWaitFlag(command, &o.appWait)
	o.pruning.addFlags(command)
	o.phases.addFlags(command)
	o.silence.addFlags(command)
	command.Flags().IntVar(&o.pruneCount, "prune-count", -1, "with --prune: confirm that this `NUMBER` of objects is deleted, as the plan says")
	command.Flags().StringVar(&o.plan, "plan", "",
		"`FILE` that plan --out wrote: restore by that plan, with its point and its options, or not at all if it is no longer the same")
	command.Flags().StringVar(&o.report, "report", "",
		"write what was done to a `FILE`, as Markdown (.md) or as one HTML page (.html): changes, failures, how long it took, how old the point was")
	command.Flags().BoolVar(&o.yes, "yes", false, "do not ask for confirmation")
	command.Flags().BoolVar(&o.noUndo, "no-undo", false,
		"do not save first what is changed or deleted: appbur undo cannot bring it back then")
	command.Flags().BoolVar(&o.undoNewer, "undo-newer", false,
		"with --yes: continue although the target is the cluster that the point was taken of and has changed since")
	o.addLockFlag(command)
	o.addTakeOverFlag(command)
	command.Flags().BoolVar(&o.anew, "anew", false,
		"do not continue the interrupted restore of the same point: import the state of all applications again")
	command.Flags().BoolVar(&o.dryRun, "dry-run", false, "send every request as a dry run (dryRun=All), have applications try the import, and change nothing")
	waitFlag(command, &o.wait)
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

func (o *restoreOptions) addTakeOverFlag(command *cobra.Command) {
	command.Flags().BoolVar(&o.takeOver, "take-over", false,
		"write although somebody else restores to the cluster: their run stops before its next write")
}

// restorePlan restores by a saved plan.
func restorePlan(cmd *cobra.Command, e *env, o *restoreOptions) error {
	saved, err := readSavedPlan(o.plan)
	if err != nil {
		return err
	}
	if err := saved.use(&o.planOptions, cmd.Flags()); err != nil {
		return err
	}
	return restoreRun(cmd.Context(), e, o, &saved)
}

// restoreRun restores, by a saved plan if there is one.
func restoreRun(ctx context.Context, e *env, o *restoreOptions, saved *savedPlan) error {
	if o.pruneCount >= 0 && !o.pruning.prune {
		return &usageError{appbur.WithHint(errors.New("--prune-count is for --prune, which is not given"), "leave it out, or add --prune")}
	}
	if err := errors.Join(checkWait(o.wait), checkAppWait(o.appWait)); err != nil {
		return err
	}
	page, err := newRestorePage(o.report, e.now)
	if err != nil {
		return err
	}
	targets, dialer, err := o.applications()
	if err != nil {
		return err
	}
	dialer.Programs = e.programs(o.restConfig, &o.rewrites)
	page.next("reading the restore point")
	o.pointRead = func() { page.next("plan") }
	made, err := o.makeWith(ctx, e, targets)
	if err != nil {
		return err
	}
	made.unnoted = o.watch != nil
	made.beforeSilence()
	if err := made.orderApps(); err != nil {
		return err
	}
	target, err := o.identify(ctx, e, made)
	if err != nil {
		return err
	}
	if o.watch != nil {
		o.watch.made, o.watch.target = made, target
		if err := o.watch.admit(made, target); err != nil {
			return err
		}
	}
	if saved != nil {
		if err := saved.holds(made, target); err != nil {
			return err
		}
	}
	if !o.json {
		found, err := o.findNow(ctx, e, made, targets)
		if err != nil {
			return err
		}
		if err := e.printPlanFor(target, made.plan, found...); err != nil {
			return err
		}
	}

	applicable := len(made.plan.Blocked()) == 0 || o.policy.AllowBlocked
	writes := applicable && !o.dryRun
	began := e.now()
	if writes && o.yes && !o.undoNewer { // before any more questions to the target
		if err := target.refuse(made.plan.Point); err != nil {
			return err
		}
	}
	silent := &silencing{admission: &restore.Admission{Webhooks: []restore.LiveWebhook{}}}
	if applicable {
		if *silent.admission, err = e.admission(ctx, &made, o.silence); err != nil {
			return err
		}
		if err := e.requireRights(ctx, made, o.json); err != nil {
			return err
		}
		e.tellAdmission(o, *silent.admission)
	}
	cluster := made.cluster
	if o.dryRun {
		cluster = restore.DryRun(cluster, silent.admission.Webhooks...)
	}
	var undo *undoPoint
	written := &writtenCluster{}
	if writes {
		page.next("confirmation")
		if err := e.agreeToPrune(ctx, o, made, target); err != nil {
			return err
		}
	}
	page.next("preparation")
	run, err := e.openRun(ctx, o, made, writes)
	if err != nil {
		return err
	}
	ctx = run.ctx
	if writes {
		silencer := restore.Silencer{Cluster: run.cluster(made.plain), Wait: o.wait}
		written.Cluster = restore.BeforeSilence(silencer.Cluster, silencer)
		cluster, made.cluster = written, written
		if undo, err = e.beginUndo(ctx, o, made, target); err != nil {
			return run.end(e, err)
		}
		if written.Cluster, err = silent.begin(ctx, e, o.silence, made.plan, silencer); err != nil {
			undo.finish(ctx, e, restore.Report{}, false)
			return run.end(e, err)
		}
		e.noteRestore(made, target, began, repository.RestoreBegun)
	}

	page.next("objects")
	bar := e.bar("restoring", "steps")
	applier := restore.Applier{Cluster: cluster, Reporter: stepProgress{bar}, Rules: made.rules, Hint: ownHint, Now: e.now}
	report, err := applier.Apply(ctx, made.plan)
	took := bar.finish()
	undo.finish(ctx, e, report, written.written.Load())
	page.declared(report.Phases)
	if err == nil && len(made.plan.Apps) > 0 {
		page.next("state of applications")
		err = o.importState(ctx, e, run, made, targets, dialer, &report)
	}
	var released *pause.Report
	if err == nil && writes {
		page.next("release of what was paused")
		released, err = o.pauses.release(ctx, e, made, o.wait)
	}
	err = silent.end(ctx, e, err)
	err = run.end(e, err)
	if writes {
		e.noteRestore(made, target, began,
			map[bool]repository.RestoreState{true: repository.RestoreDone, false: repository.RestorePartly}[err == nil])
	}
	if errors.Is(err, restore.ErrBlocked) {
		return err // nothing was done, so there is nothing to report
	}
	activated := activationOf(made.plan, report.Outcomes, o.dryRun, released)
	times := page.times(made.loaded.Meta)
	if o.watch != nil {
		o.watch.report, o.watch.times, o.watch.silenced, o.watch.applied = report, times, silent.outcomes, true
	}
	if printErr := e.printReport(report, activated, took, o, target, undo, run.answer, times, silent); printErr != nil {
		return printErr
	}
	return page.finish(o, made, target, report, activated, silent.outcomes, err)
}

// importState hands the applications of the plan their state.
func (o *restoreOptions) importState(
	ctx context.Context, e *env, run *targetRun, made planned, targets []apps.Target, dialer apps.Dialer, report *restore.Report,
) error {
	finder, err := o.finding.finder(made.config, made.plan.Apps, o.rewrites)
	if err != nil {
		return err
	}
	bars := e.appBar(made.plan.Apps)
	defer bars.finish()
	importer := &apps.Importer{
		Dialer: dialer, Targets: targets, Payloads: made.loaded, Random: e.rand, ReadyTimeout: o.appWait, Progress: bars.report,
		DryRun: o.dryRun,
	}
	if finder != nil {
		importer.Locator = finder
	}
	return restore.Import(ctx, made.plan, hintingImporter{run.once(importer)}, report)
}

// agree lets a restore go on when somebody who knows which cluster it writes to says
// so on a terminal. What --yes agrees to was decided before.
func (e *env) agree(ctx context.Context, o *restoreOptions, made planned, target targetCluster) error {
	if o.yes {
		return nil
	}
	if o.json {
		e.printTarget(e.Err, target)
	}
	return e.confirm(ctx, fmt.Sprintf("Restore %s to %s?", made.plan.Point, oneLine(target.name())))
}

// stepProgress draws the progress of a restore or a verification.
type stepProgress struct{ bar *bar }

// Progress implements [restore.Reporter].
func (p stepProgress) Progress(event restore.Event) {
	note := ""
	if event.Kind == restore.EventWaiting {
		note = "trying again (" + event.Retry + ")"
	}
	p.bar.change(func() {
		p.bar.done, p.bar.task.Total, p.bar.task.Note = int64(event.Done), int64(event.Total), note
	})
}
