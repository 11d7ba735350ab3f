package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
)

// readyTimeout is how long the objects of a stage may take to be ready after their release.
const readyTimeout = 2 * time.Minute

// pauseOptions say what is restored paused, and until when. plan, restore and verify take the same.
type pauseOptions struct {
	activate  string
	rulesFile string
	running   bool

	rules []pause.Rule
	// waiting are the objects of the point that the target has, paused by a restore.
	waiting []appbur.ObjectID
}

func (o *pauseOptions) addFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&o.activate, "activate", string(restore.ActivateNow),
		"`WHEN` what controllers act on is released: now, at the end of the restore, or later, by appbur activate")
	flags.StringVar(&o.rulesFile, "pause-rules", "",
		"YAML `FILE` with more rules of what is restored paused, and how (docs/restore.md)")
	flags.BoolVar(&o.running, "pause-running", false,
		"pause also what the target has and runs already; otherwise it is restored and not paused")
}

// waitFlag is for commands that release what is paused.
func waitFlag(command *cobra.Command, wait *time.Duration) {
	command.Flags().DurationVar(wait, "wait", readyTimeout,
		"how long what is released may take to be ready, where what is released after it needs that, and what answers for silenced "+
			"webhooks to run; 0s does not wait")
}

func checkWait(wait time.Duration) error {
	if wait < 0 {
		return &usageError{appbur.WithHint(fmt.Errorf("--wait: %s is less than nothing", wait), "pass --wait 0s to wait for nothing")}
	}
	return nil
}

// read reads what the flags say, before any long work.
func (o *pauseOptions) read() error {
	if when := restore.Activation(o.activate); when != restore.ActivateNow && when != restore.ActivateLater {
		return &usageError{appbur.WithHint(fmt.Errorf("--activate: %q is not known", o.activate), "pass --activate now or --activate later")}
	}
	if o.rulesFile == "" {
		return nil
	}
	data, err := os.ReadFile(o.rulesFile)
	if err != nil {
		return &usageError{appbur.WithHint(fmt.Errorf("--pause-rules: %w", err), "name a YAML file that exists (docs/restore.md has its form)")}
	}
	if o.rules, err = pause.ParseRules(data); err != nil {
		return &usageError{appbur.WithHint(fmt.Errorf("--pause-rules: %s: %w", o.rulesFile, err), "docs/restore.md has the form of the file")}
	}
	return nil
}

// pause pauses a restore point before it is planned, as far as the target has no living objects.
func (o *pauseOptions) pause(
	ctx context.Context, config *rest.Config, cluster restore.Cluster, target compat.Target, point restore.Point,
) (restore.Point, error) {
	pauses := pause.Pauses{Rules: o.rules, Activate: restore.Activation(o.activate), Running: o.running}
	finder, err := newPausedFinder(ctx, config)
	if err != nil {
		return point, err
	}
	state := pause.Target{}
	if err := finder.waiting(ctx, cluster, target, point, &state); err != nil {
		return point, err
	}
	if state.Running, err = existing(ctx, restore.Patient(cluster), target, pauses.Affected(point)); err != nil {
		return point, err
	}
	o.waiting = slices.SortedFunc(maps.Keys(state.Waiting), appbur.ObjectID.Compare)
	return pauses.Apply(point, state)
}

// existing returns which objects the target has.
func existing(
	ctx context.Context, cluster restore.Cluster, target compat.Target, objects []restore.Object,
) (map[appbur.ObjectID]bool, error) {
	lists := make(map[string]map[appbur.ObjectID]restore.Identity)
	found := make(map[appbur.ObjectID]bool)
	for _, object := range objects {
		apiVersion, id := inTarget(object, target)
		key := apiVersion + " " + id.Kind
		if _, read := lists[key]; !read {
			list, err := cluster.Existing(ctx, apiVersion, id.Kind)
			switch {
			case apierrors.IsForbidden(err) || errors.Is(err, restore.ErrNotServed) || apierrors.IsNotFound(err), restore.IsUnconverted(err):
				// What may not be listed is read one by one.
			case err != nil:
				return nil, clusterHint(fmt.Errorf("reading what the target has of the kind %s: %w", id.Kind, err))
			}
			lists[key] = list
		}

		list := lists[key]
		if _, found[object.ID] = list[id]; list != nil {
			continue
		}
		_, err := cluster.Get(ctx, id, apiVersion)
		if ctx.Err() != nil {
			return nil, err
		}
		found[object.ID] = !apierrors.IsNotFound(err) && !errors.Is(err, restore.ErrNotServed)
	}
	return found, nil
}

// release releases what a restore has paused, now that all of it is done.
func (o *pauseOptions) release(ctx context.Context, e *env, made planned, wait time.Duration) (*pause.Report, error) {
	if made.plan.Pausing == nil || made.plan.Pausing.Activate != restore.ActivateNow {
		return nil, nil //nolint:nilnil // nothing was released, and nothing is wrong
	}
	versions := make(map[appbur.ObjectID]string)
	for _, step := range made.plan.Steps {
		if step.Action == restore.ActionApply {
			versions[step.Object] = step.APIVersion
		}
	}
	paused := make([]pausedObject, 0, len(versions))
	for _, id := range made.plan.Pausing.Objects() {
		paused = append(paused, pausedObject{id: id, apiVersion: versions[id]})
	}
	releases, err := e.releasesOf(ctx, made.cluster, paused)
	if err != nil {
		return nil, err
	}
	return e.releaseAll(ctx, pause.Activator{Cluster: made.cluster, Wait: wait}, releases)
}

// releaseAll releases paused objects and shows how far that is.
func (e *env) releaseAll(ctx context.Context, a pause.Activator, releases []pause.Release) (*pause.Report, error) {
	bar := e.bar("releasing what is paused", "objects")
	defer bar.finish()
	a.Progress = func(done, total int, waiting string) {
		bar.change(func() { bar.done, bar.task.Total, bar.task.Note = int64(done), int64(total), waiting })
	}
	report, err := a.Activate(ctx, releases)
	return &report, err
}

// activation is what became of what a restore has paused (docs/json.md).
type activation struct {
	// Paused counts what stays paused, Released what was released.
	Paused   int `json:"paused"`
	Released int `json:"released"`
	// Kept are the objects that could not be released, with the reason.
	Kept []pause.Outcome `json:"kept"`

	// planned is what a dry run would release.
	planned int
}

// activationOf says what became of what the plan pauses: what was not released stays paused, if it
// was restored at all.
func activationOf(plan *restore.Plan, restored []restore.Outcome, dryRun bool, report *pause.Report) activation {
	a := activation{Kept: []pause.Outcome{}}
	paused := make(map[appbur.ObjectID]bool)
	for _, id := range plan.Pausing.Objects() {
		paused[id] = true
	}
	for _, o := range restored {
		if paused[o.Object] && o.Result != restore.Failed {
			a.Paused++
		}
	}

	switch {
	case dryRun && plan.Pausing != nil && plan.Pausing.Activate == restore.ActivateNow:
		a.planned, a.Paused = a.Paused, 0
	case report != nil:
		a.Released, a.Paused = report.Released, 0
		for _, outcome := range report.Outcomes {
			if outcome.Result == pause.Held || outcome.Result == pause.Failed {
				a.Kept = append(a.Kept, outcome)
				a.Paused++
			}
		}
	}
	return a
}

// printActivation says what is paused, and what not any more.
func (e *env) printActivation(a activation) {
	out := e.paragraphs(4)
	switch {
	case a.planned > 0:
		fmt.Fprintf(out, "%s would be restored paused, and released at the end\n", count(a.planned, "object"))
	case a.Released > 0:
		fmt.Fprintf(out, "%s restored paused, and released\n", count(a.Released, "object"))
	}
	for i, kept := range a.Kept {
		if i == shownChanges {
			fmt.Fprintf(out, "… and %d more\n", len(a.Kept)-i)
			break
		}
		fmt.Fprintf(out, "%s %s: %s\n", e.paint(sgrYellow, string(kept.Result)), kept.Object, oneLine(kept.Reason))
	}
	if a.Paused > 0 {
		fmt.Fprintf(out, "%s: %s; `appbur activate` releases what is paused\n", e.paint(sgrYellow, "stays paused"), count(a.Paused, "object"))
	}
}
