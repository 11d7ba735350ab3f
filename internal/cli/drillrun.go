package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/controlplane"
	"github.com/appbur/appbur/internal/drillfile"
	"github.com/appbur/appbur/internal/drillreport"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
)

// drill is one drill under way.
type drill struct {
	*drillOptions
	e        *env
	declared drillfile.File
	repo     *repository.Repository
	keys     *keyring.Keys // nil if the report is not kept

	id     repository.DrillID
	began  time.Time
	phases []drillreport.Phase
	chosen chosen
	// cluster is the control plane that was started, programs where its programs are.
	cluster  *controlplane.Cluster
	programs string
	apps     *drillApps

	watch    restoreWatch
	restored error
	// recovery is how long the recovery took.
	recovery time.Duration
	compared *verification
	checks   []drillreport.Check
	why      []string
}

// drillRun drills, keeps the report, and says what came out.
func drillRun(ctx context.Context, e *env, o *drillOptions) error {
	report, err := o.run(ctx, e)
	if report == nil {
		return err
	}
	if o.json {
		if printed := e.printJSON(report); printed != nil {
			return printed
		}
		return err
	}
	return errors.Join(e.printDrill(*report), err)
}

// run returns a report if the drill came so far that there is something to report, and the error that decides the exit code.
func (o *drillOptions) run(ctx context.Context, e *env) (*drillreport.Report, error) {
	d, err := o.prepare(ctx, e)
	if err != nil {
		return nil, err
	}
	dir, err := controlplane.ScratchDir("", "drill")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := d.openTarget(ctx); err != nil {
		return nil, err
	}
	defer d.closeTarget()
	d.apps = &drillApps{e: e, dir: dir, kubeconfig: d.kubeconfigFor(dir)}
	defer d.apps.stop()

	err = d.carryOut(ctx)
	if ctx.Err() != nil || err != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	earlier, err := d.earlier()
	if err != nil {
		return nil, err
	}
	report := d.report(earlier)
	if err := d.keep(ctx, report); err != nil {
		return &report, err
	}
	return &report, d.verdict(report)
}

// prepare checks everything that can be refused before any long work.
func (o *drillOptions) prepare(ctx context.Context, e *env) (*drill, error) {
	d := &drill{drillOptions: o, e: e, began: e.now()}
	given := o.restore.kubeconfig != "" || o.restore.context != ""
	if given == (o.target.kubernetes != "") {
		return nil, &usageError{appbur.WithHint(errors.New("say what the drill restores into, in one place"),
			"pass --kubernetes VERSION to start a control plane, or --kubeconfig FILE or --context NAME for a cluster that is there and empty")}
	}
	var err error
	if d.declared, err = o.declared(); err != nil {
		return nil, err
	}
	if err := errors.Join(checkAppWait(o.restore.appWait), checkDrillReports(o.reports)); err != nil {
		return nil, err
	}
	if !given {
		if _, err := o.target.servers.find(ctx, e, o.target.kubernetes); err != nil {
			return nil, err
		}
	}

	if o.noStore {
		d.repo, err = o.restore.open()
	} else {
		d.repo, d.keys, err = o.restore.writable(e)
	}
	if err != nil {
		return nil, err
	}
	if d.id, err = repository.NewDrillID(d.began, e.rand); err != nil {
		return nil, err
	}
	began := e.now()
	if d.chosen, err = o.restore.repositoryOptions.point(e, o.restore.point); err != nil {
		return nil, err
	}
	d.phase("verifying signatures", began, true)
	o.restore.point = string(d.chosen.ref.ID) // "latest" may be another one in a moment
	return d, nil
}

// phase notes a phase that ends now.
func (d *drill) phase(name string, began time.Time, recovery bool) {
	took := d.e.now().Sub(began)
	d.phases = append(d.phases, drillreport.Phase{Name: name, Seconds: took.Seconds(), Recovery: recovery})
	if recovery {
		d.recovery += took
	}
}

// carryOut restores, compares and asks. What fails is noted; an error is about the drill itself.
func (d *drill) carryOut(ctx context.Context) error {
	if err := d.startApps(ctx); err != nil {
		d.why = append(d.why, err.Error())
		return ctx.Err()
	}
	d.restored = d.restorePoint(ctx)
	if !d.watch.applied {
		if d.restored == nil || d.watch.made.plan == nil || !errors.Is(d.restored, restore.ErrBlocked) {
			return d.restored // it was refused before it began
		}
		d.why = append(d.why, d.restored.Error())
		return nil
	}
	if d.fails(d.restored) {
		d.why = append(d.why, d.restored.Error())
	}

	began := d.e.now()
	d.compare(ctx)
	d.phase("comparing with the restore point", began, false)
	began = d.e.now()
	d.checks = d.apps.ask(ctx, d.declared.Checks)
	if len(d.checks) > 0 {
		d.phase("checks", began, false)
	}
	for _, check := range d.checks {
		if !check.Passed {
			d.why = append(d.why, fmt.Sprintf("the check %s failed: %s", check.Name, check.Reason))
		}
	}
	return ctx.Err()
}

// fails reports whether an error of a restore is one of a drill. In a control plane without nodes nobody can ever answer for
// a webhook.
func (d *drill) fails(err error) bool {
	alone := isAny(restore.ErrSilent, restore.ErrUnanswered)(err) && !isAny(restore.ErrIncomplete, pause.ErrHeld)(err)
	return err != nil && (!alone || d.cluster == nil)
}

// startApps starts the instances that are declared, for the applications of the point.
func (d *drill) startApps(ctx context.Context) error {
	if len(d.declared.Apps) == 0 {
		return nil
	}
	began := d.e.now()
	for _, app := range d.declared.Apps {
		if err := d.apps.start(ctx, app, d.restore.appWait); err != nil {
			return err
		}
		started := d.apps.find(app.Name)
		d.restore.targets = append(d.restore.targets, app.Name.String()+"="+started.values.Address)
	}
	d.phase("starting applications", began, true)
	return nil
}

// restorePoint restores, as `appbur restore` does; what it says to its user goes beside the answer of the drill.
func (d *drill) restorePoint(ctx context.Context) error {
	o := d.restore // a copy: what a run notes in its options is its own
	o.targets = o.takeApps(slices.Clone(o.targets))
	o.yes, o.watch, o.pruneCount = true, &d.watch, -1
	o.pauses.activate = string(restore.ActivateLater)
	o.noUndo = d.cluster != nil
	o.silence.dead = d.cluster != nil
	d.watch.admit = d.admit

	began := d.e.now()
	err := restoreRun(ctx, d.narrator(), &o, nil)
	d.recovery += d.e.now().Sub(began)
	if d.watch.times != nil {
		for _, part := range d.watch.times.Parts {
			d.phases = append(d.phases, drillreport.Phase{Name: part.Name, Seconds: part.Seconds, Recovery: true})
		}
	}
	return err
}

// compare compares cluster and applications with the point, as `appbur verify` does.
func (d *drill) compare(ctx context.Context) {
	r := d.restore
	o := &verifyOptions{planOptions: r.planOptions, appOptions: r.appOptions}
	o.targets = slices.Clone(r.targets)
	o.pauses.activate = string(restore.ActivateLater)
	o.watch = func(v verification) { d.compared = &v }
	err := verifyRun(ctx, d.narrator(), o)
	var answer *outcome
	switch {
	case d.compared == nil && err != nil:
		d.why = append(d.why, "nothing could be compared with the restore point: "+err.Error())
	case err != nil && !errors.As(err, &answer):
		d.why = append(d.why, err.Error())
	}
	if d.compared == nil {
		return
	}
	if n := len(d.compared.Cluster.Findings); n > 0 {
		d.why = append(d.why, fmt.Sprintf("%s in the target that the restore point does not explain", count(n, "finding")))
	}
	for _, app := range d.compared.Apps {
		if len(app.Differences) > 0 {
			d.why = append(d.why, fmt.Sprintf("the state of %s differs from what was saved", app.App))
		}
	}
}

// verdict is the error that decides the exit code.
func (d *drill) verdict(report drillreport.Report) error {
	switch code := exitCode(d.restored); {
	case report.Outcome == drillreport.Passed:
		return nil
	case d.fails(d.restored) && code != ExitPartly && code != ExitFailed:
		return d.restored
	default:
		return errDrill
	}
}
