package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/pkg/restore"
)

type verifyOptions struct {
	planOptions
	appOptions
	json bool
	// ready says that objects have to be ready, settle how long all of it may take.
	ready  bool
	settle time.Duration
	// watch is called with what was found, nil if nobody else asks.
	watch func(verification)
}

// verification is what `verify --json` prints (docs/json.md).
type verification struct {
	Cluster restore.Findings  `json:"cluster"`
	Apps    []appVerification `json:"apps"`
	// Paused are objects that are as the plan says, and paused by a restore.
	Paused []appbur.ObjectID `json:"paused"`
}

type appVerification struct {
	App         string   `json:"app"`
	Differences []string `json:"differences"`
	// Error says why the application could not be compared, Hint what to do.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

func newVerify(e *env) *cobra.Command {
	o := &verifyOptions{}
	command := &cobra.Command{
		Use:   "verify POINT [KIND/NAME...]",
		Short: "Compare a cluster with a restore point",
		Long: `Compare a cluster with a restore point: every object of the plan exists, has
the saved content (or what the plan converts it to), and its owner references
point to existing objects. What was added is found, too: keys of ConfigMaps and Secrets,
labels and annotations, and objects, of the kinds and in the namespaces that the point has.
Other additional fields in the target are listed with who wrote them, and are no difference;
a default class in a field that was empty in the source is. Objects that a restore has paused
are as they should be, and are listed as paused. Objects that the target cannot
have are listed as left out, and are no difference either, with or without --allow-blocked.
With --ready, workloads and custom resources have to be ready, too, and --settle gives them,
and the controllers that work on what was restored, some time for it.
With --app the application's state is exported and compared as well.` +
			exitStatus("0  equal, but for what is listed as left out", "4  differences found", "5  the history was rewritten (docs/trust.md)",
				"10 no repository, no such point, or nothing that is meant", "12 a key, a login or a signature was refused"),
		Example: `  appbur verify latest --repo ./mgmt.git --kubeconfig new.yaml
  appbur verify latest -n team-a --repo ./mgmt.git --kubeconfig mgmt.yaml
  appbur verify latest --ready --settle 10m --repo ./mgmt.git --kubeconfig new.yaml
  appbur verify latest --repo ./mgmt.git --kubeconfig new.yaml --app fleet-system/fleet=fleet2.example:7443 --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.point, o.words.Objects = args[0], args[1:]
			return verifyRun(cmd.Context(), e, o)
		},
	}

	o.planOptions.addFlags(e, command)
	o.appOptions.addFlags(command, "whose state is compared")
	o.finding.addFlags(command)
	command.Flags().BoolVar(&o.ready, "ready", false,
		"objects that are not ready, by the rules of kstatus, are differences as well, but for those that a restore has paused")
	command.Flags().DurationVar(&o.settle, "settle", 0,
		"how long the cluster may take to be equal: compare again until nothing is found, or this time is over")
	jsonFlag(command, &o.json)
	return command
}

func verifyRun(ctx context.Context, e *env, o *verifyOptions) error {
	if o.settle < 0 {
		return &usageError{appbur.WithHint(fmt.Errorf("--settle: %s is less than nothing", o.settle), "pass --settle 0s to compare once")}
	}
	o.targets = o.takeApps(o.targets)
	targets, dialer, err := o.applications()
	if err != nil {
		return err
	}
	dialer.Programs = e.programs(o.restConfig, &o.rewrites)
	made, err := o.makeWith(ctx, e, targets)
	if err != nil {
		return err
	}

	result := verification{Apps: []appVerification{}, Paused: append([]appbur.ObjectID{}, o.pauses.waiting...)}
	bar := e.bar("comparing with the cluster", "objects")
	result.Cluster, err = restore.Verifier{
		Cluster: made.cluster, Rules: made.rules, Reporter: stepProgress{bar}, Ready: o.ready, Paused: o.pauses.waiting, Settle: o.settle,
	}.Verify(ctx, made.plan)
	bar.finish()
	if err != nil {
		return err
	}
	bars := e.appBar(made.plan.Apps)
	checker := &apps.Checker{Dialer: dialer, Payloads: made.loaded, Random: e.rand, Progress: bars.report}
	var failed error
	found, missing, err := o.findToCompare(ctx, made, targets)
	if err != nil {
		return err
	}
	result.Apps, failed = verifyApps(ctx, checker, made, append(targets, found...), missing)
	bars.finish()
	if o.watch != nil {
		o.watch(result)
	}

	if o.json {
		err = e.printJSON(result)
	} else {
		err = e.printVerification(result)
	}
	switch {
	case err != nil:
		return err
	case failed != nil:
		return failed
	case !result.equal():
		return errDifferent
	}
	return nil
}

// appChecker compares the state of one application with what was saved.
type appChecker interface {
	Check(ctx context.Context, target apps.Target, saved appbur.AppState) ([]string, error)
}

// verifyApps compares the applications one after the other. One that cannot be compared
// leaves the others alone; the error is that of the first.
func verifyApps(
	ctx context.Context, checker appChecker, made planned, targets []apps.Target, missing []missingApp,
) ([]appVerification, error) {
	var failed error
	compared := []appVerification{}
	for _, target := range targets {
		differences, err := checker.Check(ctx, target, savedState(made, target.AppKey))
		app := appVerification{App: target.String(), Differences: append([]string{}, differences...)}
		if err != nil {
			app.Error, app.Hint = err.Error(), hintOf(err)
			failed = cmp.Or(failed, err)
		}
		compared = append(compared, app)
	}
	for _, app := range missing {
		compared = append(compared, appVerification{
			App: app.key.String(), Differences: []string{}, Error: app.err.Error(), Hint: hintOf(app.err),
		})
		failed = cmp.Or(failed, app.err)
	}
	return compared, failed
}

// missingApp is an application that was not found, and why.
type missingApp struct {
	key appbur.AppKey
	err error
}

// findToCompare finds the applications of the plan that have no address.
func (o *verifyOptions) findToCompare(
	ctx context.Context, made planned, targets []apps.Target,
) (found []apps.Target, missing []missingApp, err error) {
	finder, err := o.finding.finder(made.config, made.plan.Apps, o.rewrites)
	if finder == nil || err != nil {
		return nil, nil, err
	}
	for _, app := range made.plan.Apps {
		if slices.ContainsFunc(targets, func(t apps.Target) bool { return t.AppKey == app.AppKey }) {
			continue
		}
		one, err := finder.Find(ctx, app.AppKey)
		if err != nil {
			missing = append(missing, missingApp{app.AppKey, fmt.Errorf("application %s: %w", app.AppKey, err)})
			continue
		}
		found = append(found, one.Target)
	}
	return found, missing, ctx.Err()
}

// equal reports whether nothing differs in what could be compared.
func (v verification) equal() bool {
	return v.Cluster.OK() && !slices.ContainsFunc(v.Apps, func(a appVerification) bool { return len(a.Differences) > 0 })
}

func savedState(made planned, key appbur.AppKey) appbur.AppState {
	for _, app := range made.plan.Apps {
		if app.AppKey == key {
			return app
		}
	}
	return appbur.AppState{}
}

func (e *env) printVerification(v verification) error {
	out := e.paragraphs(4)
	if err := v.Cluster.Render(out); err != nil {
		return err
	}
	if len(v.Paused) > 0 {
		names := make([]string, 0, len(v.Paused))
		for _, id := range v.Paused {
			names = append(names, id.String())
		}
		fmt.Fprintf(out, "%s, until `appbur activate` releases them (%d): %s\n", e.paint(sgrYellow, "paused by a restore"), len(names),
			appbur.Shortlist(names, shownNames))
	}

	for _, app := range v.Apps {
		e.printAppVerification(out, app)
	}
	return nil
}

// printAppVerification says how the state of an application compares.
func (e *env) printAppVerification(out io.Writer, app appVerification) {
	switch {
	case app.Error != "":
		why := oneLine(app.Error)
		if app.Hint != "" {
			why += " (" + app.Hint + ")"
		}
		fmt.Fprintf(out, "application %s: %s %s\n", app.App, e.paint(sgrRed, "not compared:"), why)
	case len(app.Differences) == 0:
		fmt.Fprintf(out, "application %s: equal\n", app.App)
	}
	for _, difference := range app.Differences {
		fmt.Fprintf(out, "application %s: %s %s\n", app.App, e.paint(sgrRed, "different:"), oneLine(difference))
	}
}
