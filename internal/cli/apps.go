package cli

import (
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
)

func newApps(e *env) *cobra.Command {
	command := &cobra.Command{
		Use:   "apps",
		Short: "List applications, and export, import or compare the state of one",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newAppsList(e), newAppsDescribe(e), newAppsExport(e), newAppsImport(e), newAppsCompare(e), newAppsRetire(e))
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
