package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
	"github.com/appbur/appbur/pkg/restore/session"
)

type pauseRunOptions struct {
	activateOptions
	rulesFile string
}

// pauseAnswer is what `pause --json` prints (docs/json.md).
type pauseAnswer struct {
	Target targetCluster `json:"target"`
	// Planned are the objects that act and are selected, in the order in which they are paused.
	Planned []pause.Hold `json:"planned"`
	// Unsearched are the resources that the account may not list, or that the cluster cannot.
	Unsearched []string        `json:"unsearched"`
	Rights     restore.Rights  `json:"rights"`
	DryRun     bool            `json:"dryRun"`
	Paused     int             `json:"paused"`
	Outcomes   []pause.Outcome `json:"outcomes"`
}

func newPause(e *env) *cobra.Command {
	o := &pauseRunOptions{}
	command := &cobra.Command{
		Use:   "pause [KIND/NAME...]",
		Short: "Pause what controllers act on in a running cluster",
		Long: `Pause what controllers of a running cluster act on, so that two clusters do not act on the
same machines, repositories and names: before an upgrade by rebuild, or while the cluster
is looked at. It shows what becomes of each object, asks for confirmation, and writes what
was there before to the objects themselves. ` + "`appbur activate`" + ` has all of it as it was.

What is paused, and how, is the same as of a restore, with the rules of --pause-rules. Objects
that act on others are paused before those: sources and what applies them the other way round
than they are released. Jobs that have ended, and what a paused CronJob has made, are left.

A restore point that is saved meanwhile has the objects as they were before: it can be restored
anywhere, and runs there when it is released.

It can be repeated. "Nothing acts that is not paused" is the proof that all of it waits. Name
objects, or select with -n, --kind, --name and -l, to pause a part.` +
			exitStatus("0  paused, or nothing acts", "3  something could not be paused; the report says why", "10 nothing that acts is selected",
				"11 somebody restores to the cluster, or took the lock over",
				"12 the account lacks rights; nothing was changed", "64 no terminal and no --yes", "130 cancelled; run again to go on"),
		Example: `  appbur pause --kubeconfig old.yaml --dry-run
  appbur pause --kubeconfig old.yaml
  appbur pause -n team-a --kubeconfig old.yaml --yes
  appbur activate --kubeconfig old.yaml`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.words.Objects = args
			return pauseRun(cmd.Context(), e, o)
		},
	}

	o.clusterOptions.addFlags(command)
	o.selectionOptions.addFlags(command)
	command.Flags().StringVar(&o.rulesFile, "pause-rules", "", "YAML `FILE` with more rules of what is paused, and how (docs/restore.md)")
	command.Flags().BoolVar(&o.yes, "yes", false, "do not ask for confirmation")
	command.Flags().BoolVar(&o.takeOver, "take-over", false, "take the lock of the cluster from another run, which stops before its next write")
	command.Flags().BoolVar(&o.dryRun, "dry-run", false, "send every request as a dry run (dryRun=All), and change nothing")
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

func pauseRun(ctx context.Context, e *env, o *pauseRunOptions) error {
	selector, err := o.parse()
	if err != nil {
		return err
	}
	rules := pauseOptions{activate: string(restore.ActivateLater), rulesFile: o.rulesFile}
	if err := rules.read(); err != nil {
		return err
	}
	config, err := o.restConfig()
	if err != nil {
		return err
	}
	cluster, err := restore.NewCluster(config)
	if err != nil {
		return err
	}

	answer := pauseAnswer{DryRun: o.dryRun, Outcomes: []pause.Outcome{}}
	if answer.Target, err = o.which(ctx, e, cluster); err != nil {
		return err
	}
	finder := actingFinder{cluster: restore.Patient(cluster), rules: rules.rules}
	bar := e.bar("looking for what acts", progress.Uncounted)
	err = finder.find(ctx, config, o.plainNamespaces())
	bar.finish()
	if err != nil {
		return err
	}
	answer.Unsearched = append([]string{}, finder.closed...)
	if answer.Planned, err = finder.selected(selector); err != nil {
		return err
	}
	if answer.Rights, err = e.holdRights(ctx, cluster, answer.Planned); err != nil {
		return err
	}

	if !o.json {
		e.printHolds(answer)
	}
	var acting error
	if len(answer.Planned) > 0 {
		if acting = answer.Rights.Err(); acting == nil {
			acting, err = o.hold(ctx, e, cluster, &answer)
		}
	}
	if err != nil {
		return err
	}
	if o.json {
		err = e.printJSON(answer)
	} else if len(answer.Outcomes) > 0 {
		e.printHeld(answer)
	}
	if err != nil {
		return err
	}
	return acting
}

// holdRights asks the cluster whether the account may pause all of it.
func (e *env) holdRights(ctx context.Context, cluster restore.Cluster, holds []pause.Hold) (restore.Rights, error) {
	if len(holds) == 0 {
		return restore.Rights{Missing: []restore.Right{}}, nil
	}
	writes := make([]pause.Release, 0, len(holds))
	for _, hold := range holds {
		writes = append(writes, pause.Release{Object: hold.Object, APIVersion: hold.APIVersion})
	}
	return e.rights(ctx, planned{plan: pause.RightsPlan(writes), cluster: cluster})
}

// hold asks and pauses. The first error is about what was not paused.
func (o *pauseRunOptions) hold(ctx context.Context, e *env, cluster restore.Cluster, answer *pauseAnswer) (acting, err error) {
	if !o.dryRun && !o.yes {
		if o.json {
			e.printTarget(e.Err, answer.Target)
		}
		question := fmt.Sprintf("Pause %s in %s?", count(len(answer.Planned), "object"), oneLine(answer.Target.name()))
		if err := e.confirm(ctx, question); err != nil {
			return nil, err
		}
	}

	end := func() error { return nil }
	if !o.dryRun {
		if ctx, cluster, end, err = o.lock(ctx, e, cluster); err != nil {
			return nil, err
		}
	}
	bar := e.bar("pausing", "objects")
	holder := pause.Holder{Cluster: cluster, DryRun: o.dryRun, Progress: bar.setInts}
	report, acting := holder.Hold(ctx, answer.Planned)
	bar.finish()
	answer.Paused, answer.Outcomes = report.Paused, report.Outcomes

	if cause := context.Cause(ctx); errors.Is(cause, session.ErrLost) {
		acting = cause
	}
	if err := end(); err != nil {
		e.warn("the lock of the cluster was not released and expires within a minute: %v", err)
	}
	return acting, nil
}

// printHolds says what will be paused, in which order.
func (e *env) printHolds(a pauseAnswer) {
	out := e.paragraphs(4)
	e.printTarget(e.paragraphs(fieldIndent), a.Target)
	fmt.Fprintln(e.Out)
	e.printUnsearched(out, a.Unsearched, "what acts there is not paused")
	if len(a.Planned) == 0 {
		fmt.Fprintln(out, "Nothing acts that is not paused.")
		e.printRights(e.Out, a.Rights)
		return
	}

	t := e.newTable(pauseColumns...)
	shown := 0
	for i, hold := range a.Planned {
		if i > 0 && (hold.Controller != a.Planned[i-1].Controller || hold.Object.GroupKind() != a.Planned[i-1].Object.GroupKind()) {
			shown = 0
		}
		if shown++; shown > shownChanges+1 {
			continue
		}
		controller := plain(oneLine(hold.Controller))
		if shown > shownChanges {
			t.add(controller, plain("… and more "+hold.Object.GroupKind().String()), plain(""), plain(""))
			continue
		}
		t.add(controller, plain(hold.Object.String()), plain(oneLine(holdText(hold))), plain(oneLine(hold.Reason)))
	}
	t.print(e.Out)
	e.printRights(e.Out, a.Rights)
	fmt.Fprintln(e.Out)
}

func holdText(h pause.Hold) string {
	if h.Problem != "" {
		return "cannot be paused: " + h.Problem
	}
	changes := make([]string, 0, len(h.Changes))
	for _, c := range h.Changes {
		changes = append(changes, c.String())
	}
	return strings.Join(changes, ", ")
}

// printHeld says what became of it.
func (e *env) printHeld(a pauseAnswer) {
	out := e.paragraphs(4)
	failed := 0
	for _, o := range a.Outcomes {
		if o.Result != pause.Failed {
			continue
		}
		if failed++; failed <= shownChanges {
			fmt.Fprintf(out, "%s %s: %s\n", e.paint(sgrYellow, string(o.Result)), o.Object, oneLine(o.Reason))
		}
	}
	if failed > shownChanges {
		fmt.Fprintf(out, "… and %d more\n", failed-shownChanges)
	}
	what := "paused"
	if a.DryRun {
		what = "dry run, nothing was changed; would be paused"
	}
	fmt.Fprintf(out, "%s: %s; `appbur activate` has them as they were\n", what, count(a.Paused, "object"))
}
