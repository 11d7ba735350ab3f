package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
	"github.com/appbur/appbur/pkg/restore/session"
	"github.com/appbur/appbur/pkg/selection"
)

type activateOptions struct {
	clusterOptions
	selectionOptions
	wait     time.Duration
	yes      bool
	takeOver bool
	dryRun   bool
	json     bool
}

// activationAnswer is what `activate --json` prints (docs/json.md).
type activationAnswer struct {
	Target targetCluster `json:"target"`
	// Planned are the objects that are paused and selected, in the order of their release.
	Planned []pause.Release `json:"planned"`
	// Unsearched are the resources that the account may not list, or that the target cannot.
	Unsearched []string        `json:"unsearched"`
	Rights     restore.Rights  `json:"rights"`
	DryRun     bool            `json:"dryRun"`
	Released   int             `json:"released"`
	Outcomes   []pause.Outcome `json:"outcomes"`
	// Silenced are the webhooks that a restore has left silent which did not end, and what became of them.
	Silenced []restore.SilenceOutcome `json:"silenced"`
}

// isNothing reports whether there is nothing to release.
func (a activationAnswer) isNothing() bool { return len(a.Planned)+len(a.Silenced) == 0 }

func newActivate(e *env) *cobra.Command {
	o := &activateOptions{}
	command := &cobra.Command{
		Use:   "activate [KIND/NAME...]",
		Short: "Release what a restore, or appbur pause, has paused in a cluster",
		Long: `Release the objects that a restore or ` + "`appbur pause`" + ` has paused: show what becomes of each, ask for
confirmation, and put the values back that were there before. It needs no restore point: what was
there before is remembered at the objects themselves, in the cluster. Objects that were
paused in the source stay paused. Webhooks that a restore with --silence-dead-webhooks
has left silenced, because it was killed, are put in force again.

The objects of one controller are released in stages: the parts of a Cluster before the Cluster,
sources of Flux before what applies them. Where the next stage needs it, the objects have to
be ready first; if they are not in time, the stages after them stay paused.

It can be repeated: what was released stays as it is. Name objects, or select with -n, --kind, --name
and -l, to release a part.` +
			exitStatus("0  released, or nothing is paused", "3  something stays paused; the report says why", "10 nothing paused is selected",
				"11 somebody restores to the cluster, or took the lock over",
				"12 the account lacks rights; nothing was changed", "64 no terminal and no --yes", "130 cancelled; run again to go on"),
		Example: `  appbur activate --kubeconfig new.yaml --dry-run
  appbur activate --kubeconfig new.yaml
  appbur activate -n team-a --kubeconfig new.yaml --yes
  appbur activate --kind cronjob --kubeconfig new.yaml --wait 0s`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.words.Objects = args
			return activateRun(cmd.Context(), e, o)
		},
	}

	o.clusterOptions.addFlags(command)
	o.selectionOptions.addFlags(command)
	waitFlag(command, &o.wait)
	command.Flags().BoolVar(&o.yes, "yes", false, "do not ask for confirmation")
	command.Flags().BoolVar(&o.takeOver, "take-over", false, "take the lock of the target from another run, which stops before its next write")
	command.Flags().BoolVar(&o.dryRun, "dry-run", false, "send every request as a dry run (dryRun=All), and change nothing")
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

func activateRun(ctx context.Context, e *env, o *activateOptions) error {
	selector, err := o.parse()
	if err != nil {
		return err
	}
	if err := checkWait(o.wait); err != nil {
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

	answer := activationAnswer{
		DryRun: o.dryRun, Outcomes: []pause.Outcome{}, Unsearched: []string{}, Silenced: []restore.SilenceOutcome{},
	}
	if answer.Target, err = o.which(ctx, e, cluster); err != nil {
		return err
	}
	paused, unsearched, err := o.find(ctx, e, selector)
	if err != nil {
		return err
	}
	answer.Unsearched = append(answer.Unsearched, unsearched...)
	if answer.Planned, err = e.releasesOf(ctx, cluster, paused); err != nil {
		return err
	}
	if selector.Everything() {
		if err := e.planSilenced(ctx, cluster, &answer); err != nil {
			return err
		}
	}
	if answer.Rights, err = e.releaseRights(ctx, cluster, answer); err != nil {
		return err
	}

	if !o.json {
		e.printReleases(answer)
	}
	var released error
	if !answer.isNothing() {
		if released = answer.Rights.Err(); released == nil {
			released, err = o.release(ctx, e, cluster, &answer)
		}
	}
	if err != nil {
		return err
	}
	if o.json {
		err = e.printJSON(answer)
	} else if len(answer.Outcomes) > 0 {
		e.printReleased(answer)
	}
	if !o.json {
		e.printSilenced(e.paragraphs(4), answer.Silenced)
	}
	if err != nil {
		return err
	}
	return released
}

// which reads which cluster it is. No history is asked: none is needed.
func (o *activateOptions) which(ctx context.Context, e *env, cluster restore.Cluster) (targetCluster, error) {
	config, err := o.restConfig()
	if err != nil {
		return targetCluster{}, err
	}
	target, err := targetOf(ctx, e, config)
	if err != nil {
		return targetCluster{}, err
	}
	t, err := o.readTarget(ctx, config, cluster)
	t.Version = target.Version()
	return t, err
}

// find returns the paused objects that are selected.
func (o *activateOptions) find(
	ctx context.Context, e *env, selector selection.Selector,
) (found []pausedObject, unsearched []string, err error) {
	config, err := o.restConfig()
	if err != nil {
		return nil, nil, err
	}
	bar := e.bar("looking for what is paused", progress.Uncounted)
	defer bar.finish()
	finder, err := newPausedFinder(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	if err := finder.find(ctx, o.plainNamespaces()); err != nil {
		return nil, nil, err
	}
	if selector.Everything() {
		return finder.found, finder.closed, nil
	}

	objects := make([]selection.Object, 0, len(finder.found))
	for _, p := range finder.found {
		objects = append(objects, selection.Object{ID: p.id, Labels: p.labels})
	}
	selected, err := selector.Resolve(objects, nil, finder.resources())
	var word *selection.WordError
	if errors.As(err, &word) && errors.Is(err, selection.ErrNoMatch) {
		return nil, nil, &notFoundError{appbur.WithHint(fmt.Errorf("nothing that is paused in the target matches %q", word.Word),
			"`appbur activate --dry-run` without a selection lists what is paused")}
	}
	if err != nil {
		return nil, nil, selectionError(err)
	}

	for i, p := range finder.found {
		if selected.Holds(objects[i]) {
			found = append(found, p)
		}
	}
	return found, finder.closed, nil
}

// plainNamespaces are the selected namespaces that are named, and not by a pattern: there an account can list that may
// not list the whole cluster.
func (o *activateOptions) plainNamespaces() []string {
	return slices.DeleteFunc(listed(o.words.Namespaces), func(name string) bool { return strings.ContainsAny(name, "*?[") })
}

// releaseRights asks the target whether the account may release all of it.
func (e *env) releaseRights(ctx context.Context, cluster restore.Cluster, answer activationAnswer) (restore.Rights, error) {
	if answer.isNothing() {
		return restore.Rights{Missing: []restore.Right{}}, nil
	}
	releases := slices.Clone(answer.Planned)
	for _, one := range answer.Silenced {
		releases = append(releases, pause.Release{Object: one.Configuration, APIVersion: restore.ConfigurationVersion})
	}
	return e.rights(ctx, planned{plan: pause.RightsPlan(releases), cluster: cluster})
}

// release asks and releases. The first error is about what was not released.
func (o *activateOptions) release(ctx context.Context, e *env, cluster restore.Cluster, answer *activationAnswer) (held, err error) {
	if !o.dryRun && !o.yes {
		if o.json {
			e.printTarget(e.Err, answer.Target)
		}
		question := fmt.Sprintf("Release %s in %s?", count(len(answer.Planned)+len(answer.Silenced), "object"), oneLine(answer.Target.name()))
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
	report, released := e.releaseAll(ctx, pause.Activator{Cluster: cluster, Wait: o.wait, DryRun: o.dryRun}, answer.Planned)
	answer.Released, answer.Outcomes = report.Released, report.Outcomes
	if !o.dryRun {
		answer.Silenced = restore.Silencer{Cluster: cluster}.Unsilence(ctx, silencedOf(answer.Silenced), false)
		if released == nil {
			released = restore.SilenceError(answer.Silenced)
		}
	}
	if cause := context.Cause(ctx); errors.Is(cause, session.ErrLost) {
		released = cause
	}
	if err := end(); err != nil {
		e.warn("the lock of the target was not released and expires within a minute: %v", err)
	}
	return released, nil
}

// lock takes the lock that a restore holds: what it has paused is released when it is done. An
// account without the right goes on without it.
func (o *activateOptions) lock(
	ctx context.Context, e *env, cluster restore.Cluster,
) (held context.Context, locked restore.Cluster, end func() error, err error) {
	host, _ := os.Hostname()
	who := session.Holder{User: restore.Account(ctx, cluster), Host: host, Started: e.now(), Process: ownProcess()}
	lock, _, err := session.Take(ctx, cluster, who, session.Options{Now: e.now, Random: e.rand, TakeOver: o.takeOver, Gone: processGone})
	if apierrors.IsForbidden(err) {
		e.warn("this account may not take the lock of the target: make sure that nobody restores to it at the same time")
		return ctx, cluster, func() error { return nil }, nil
	}
	if restore.IsAdmission(err) {
		// What is released may be the backend that does not answer.
		e.warn("no lock was taken, and others are not stopped, because admission in the target refuses it: %v", err)
		return ctx, cluster, func() error { return nil }, nil
	}
	if err != nil {
		return nil, nil, nil, clusterHint(fmt.Errorf("taking the lock of the target: %w", err))
	}
	held, end = lock.Hold(ctx)
	return held, lock.Cluster(), end, nil
}

// printReleases says what will be released, in which order.
func (e *env) printReleases(a activationAnswer) {
	out := e.paragraphs(4)
	e.printTarget(e.paragraphs(fieldIndent), a.Target)
	fmt.Fprintln(e.Out)
	e.printUnsearched(out, a.Unsearched, "what is paused there is not shown")
	for _, one := range a.Silenced {
		fmt.Fprintf(out, "%s %s of %s\n", e.paint(sgrYellow, "silenced by a restore that did not end, and put in force again:"),
			oneLine(appbur.Shortlist(one.Webhooks, shownNames)), one.Configuration)
	}
	if len(a.Planned) == 0 {
		fmt.Fprintln(out, "Nothing is paused by a restore.")
		e.printRights(e.Out, a.Rights)
		return
	}

	t := e.newTable(activateColumns...)
	for _, stage := range pause.Stages(a.Planned) {
		for i, r := range stage {
			controller, number := plain(oneLine(r.Controller)), plain(fmt.Sprint(r.Stage))
			if i == shownChanges {
				t.add(controller, number, plain(fmt.Sprintf("… and %d more", len(stage)-i)), plain(""))
				break
			}
			t.add(controller, number, plain(r.Object.String()), plain(oneLine(releaseText(r))))
		}
	}
	t.print(e.Out)
	e.printRights(e.Out, a.Rights)
	fmt.Fprintln(e.Out)
}

// printUnsearched says where nobody has looked, and what that means.
func (e *env) printUnsearched(out io.Writer, unsearched []string, so string) {
	if len(unsearched) > 0 {
		fmt.Fprintf(out, "%s: this account may not list %s, or the target cannot; %s (-n NAMESPACE searches one namespace)\n",
			e.paint(sgrYellow, "not searched"), appbur.Shortlist(unsearched, shownNames), so)
	}
}

func releaseText(r pause.Release) string {
	if r.Problem != "" {
		return "cannot be released: " + r.Problem
	}
	changes := make([]string, 0, len(r.Changes))
	for _, c := range r.Changes {
		changes = append(changes, c.String())
	}
	switch {
	case r.Resumed:
		changes = append(changes, "was released by other means: the mark is removed")
	case len(changes) == 0:
		changes = []string{"stays paused, as in the source: the mark is removed"}
	}
	if r.Await != "" {
		changes = append(changes, "then wait for "+r.Await)
	}
	return strings.Join(changes, ", ")
}

// printReleased says what became of it.
func (e *env) printReleased(a activationAnswer) {
	out := e.paragraphs(4)
	left := 0
	for _, o := range a.Outcomes {
		if o.Result != pause.Held && o.Result != pause.Failed {
			continue
		}
		if left++; left <= shownChanges {
			fmt.Fprintf(out, "%s %s: %s\n", e.paint(sgrYellow, string(o.Result)), o.Object, oneLine(o.Reason))
		}
	}
	if left > shownChanges {
		fmt.Fprintf(out, "… and %d more\n", left-shownChanges)
	}
	what := "released"
	if a.DryRun {
		what = "dry run, nothing was changed; would be released"
	}
	fmt.Fprintf(out, "%s: %s\n", what, count(a.Released, "object"))
}
