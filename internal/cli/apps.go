package cli

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/repository"
)

func newApps(e *env) *cobra.Command {
	command := &cobra.Command{
		Use:   "apps",
		Short: "List the applications that backups must hold, and retire one",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newAppsList(e), newAppsRetire(e))
	return command
}

// appSummary is one line of `apps list` (docs/json.md).
type appSummary struct {
	appbur.AppKey
	App     string `json:"app,omitempty"`
	Version string `json:"version,omitempty"`
	// State is saved, missing (the newest point should hold it) or retired.
	State string `json:"state"`
	// LastPoint is the newest point that held it, LastSaved when it was made; the time is
	// absent when the point is not there any more.
	LastPoint appbur.RestorePointID `json:"lastPoint"`
	LastSaved *time.Time            `json:"lastSaved,omitempty"`
}

func newAppsList(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "list",
		Short: "List the applications of restore points, saved or missing",
		Long: `List the applications in the restore points of the repository, each with its state:
saved, in the newest point; missing, because it should be in the newest point and is
not; or retired. Only points with a trusted signature count.` +
			exitStatus("0  listed, even if there is none", "3  listed, and one is missing from the newest point", "10 no repository",
				"12 no signer is trusted"),
		Example: `  appbur apps list --repo ./mgmt.git
  appbur apps list --repo ./mgmt.git --json | jq -r '.[] | select(.state == "missing") | .name'`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return appsListRun(e, &o, asJSON) },
	}

	o.addFlags(e, command)
	o.addTrustFlag(command)
	jsonFlag(command, &asJSON)
	headersFlag(e, command)
	return command
}

func appsListRun(e *env, o *repositoryOptions, asJSON bool) error {
	repo, known, newest, err := o.knownApps(e)
	if err != nil {
		return err
	}
	list := []appSummary{}
	missing := false
	for _, app := range known {
		line := appSummary{AppKey: app.AppKey, App: app.App, Version: app.Version, State: stateOfApp(app, newest), LastPoint: app.Point}
		if !app.Taken.IsZero() {
			line.LastSaved = &app.Taken
		}
		missing = missing || line.State == appMissing
		list = append(list, line)
	}

	switch {
	case asJSON:
		err = e.printJSON(list)
	case len(list) == 0:
		e.say("No restore point holds an application. Save one with: appbur backup --repo %s --app NAMESPACE/NAME=ADDRESS", repo.Dir())
	default:
		e.printApps(list)
	}
	if err == nil && missing {
		return errPartly
	}
	return err
}

const (
	appSaved   = "saved"
	appMissing = "missing"
	appRetired = "retired"
)

// stateOfApp returns the state of an application, given the newest point.
func stateOfApp(app repository.KnownApp, newest appbur.RestorePoint) string {
	held := slices.ContainsFunc(newest.Apps, func(a appbur.AppState) bool { return a.AppKey == app.AppKey })
	switch {
	case app.Retired:
		return appRetired
	case held:
		return appSaved
	default:
		return appMissing
	}
}

func (e *env) printApps(list []appSummary) {
	colours := map[string]string{appSaved: sgrGreen, appMissing: sgrYellow, appRetired: sgrDim}
	t := e.newTable(appsColumns...)
	for _, app := range list {
		saved := ""
		if app.LastSaved != nil {
			saved = e.when(*app.LastSaved)
		}
		t.add(coloured(sgrCyan, app.String()), plain(app.Version), plain(string(app.LastPoint)), plain(saved),
			coloured(colours[app.State], app.State))
	}
	t.print(e.Out)
}

// knownApps opens the repository and finds the applications that its points know, and
// the newest of these points.
func (o *repositoryOptions) knownApps(e *env) (*repository.Repository, []repository.KnownApp, appbur.RestorePoint, error) {
	var newest appbur.RestorePoint
	repo, err := o.open()
	if err != nil {
		return nil, nil, newest, err
	}
	keys, err := o.judgeKeys(e, repo)
	if err != nil {
		return nil, nil, newest, err
	}
	trusted, err := o.trustRoot(e, keys)
	if err != nil {
		return nil, nil, newest, err
	}
	all, err := e.catalog(repo, trusted)
	if err != nil {
		return nil, nil, newest, err
	}
	e.warnRejected(all)
	if len(all.Points) > 0 {
		newest = all.Points[0]
	}

	// Whoever can push must not make the others believe that nothing is missing.
	retired := repo.Config().Retired()
	if err := repo.CheckPolicy(trusted); err != nil {
		e.warnWithHint("what it calls retired does not count: "+err.Error(), hintOf(err))
		retired = nil
	}
	return repo, repository.KnownApps(all.Points, retired), newest, nil
}

// findApp finds an application by NAMESPACE/NAME, or by its name if only one has it.
func findApp(known []repository.KnownApp, text string) (repository.KnownApp, error) {
	var found []repository.KnownApp
	names := make([]string, len(known))
	for i, app := range known {
		names[i] = app.String()
		if app.String() == text || app.Name == text {
			found = append(found, app)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return repository.KnownApp{}, &usageError{appbur.WithHint(fmt.Errorf("%d applications are called %s", len(found), text),
			"name one with its namespace, for example "+found[0].String())}
	}

	hint := "`appbur apps list` shows which there are"
	if near := closest(text, names); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return repository.KnownApp{}, &notFoundError{appbur.WithHint(fmt.Errorf("%w: %s", repository.ErrUnknownApp, text), hint)}
}

// warnMissing reports before a backup reads anything which applications will be missing
// from it, and which come back.
func (e *env) warnMissing(point *repository.PointWriter, targets []apps.Target) {
	var given []appbur.AppKey
	for _, target := range targets {
		given = append(given, target.AppKey)
	}
	for _, app := range point.Known() {
		if app.Retired && slices.Contains(given, app.AppKey) {
			e.say("The application %s was retired. From this point on it is known again.", app.AppKey)
		}
	}

	missing := point.Missing(given)
	if len(missing) == 0 {
		return
	}
	var names []string
	for _, app := range missing {
		names = append(names, fmt.Sprintf("%s (last in %s)", app.AppKey, app.Point))
	}
	lacking := appbur.Shortlist(names, shownNames)
	e.warnWithHint(fmt.Sprintf("the restore point will be partial without the application %s, which earlier points hold", lacking),
		fmt.Sprintf("save it with --app %s=ADDRESS, or if it is gone for good: appbur apps retire %s", missing[0].AppKey, missing[0].AppKey))
}
