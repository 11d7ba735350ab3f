package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur/internal/repository"
)

func newAppsRetire(e *env) *cobra.Command {
	o := &configChangeOptions{}
	command := &cobra.Command{
		Use:   "retire APPLICATION",
		Short: "Retire an application: backups are complete without it",
		Long: `Say that an application was taken out of service: a backup without it is complete
again. It is named as [NAMESPACE/]NAME, and recorded in appbur.yaml in a signed commit.

The restore points that have it stay, and ` + "`points prune`" + ` keeps the last good one until
you delete it by name. A later backup that saves the application again ends the
retirement by itself.` +
			exitStatus("0  retired, or retired already", "10 no repository, or no restore point has the application",
				"11 another process changed appbur.yaml",
				"12 no signer is trusted, a key is missing, or appbur.yaml has no trusted signature",
				"64 wrong command line, or no terminal and no --yes", "130 not confirmed, nothing was changed"),
		Example: `  appbur apps retire fleet-system/fleet --repo ./mgmt.git
  appbur apps retire fleet --repo ./mgmt.git --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return appsRetireRun(cmd.Context(), e, o, args[0]) },
	}
	o.addFlags(e, command)
	o.addTrustFlag(command)
	return command
}

func appsRetireRun(ctx context.Context, e *env, o *configChangeOptions, name string) error {
	_, known, _, err := o.knownApps(e)
	if err != nil {
		return err
	}
	app, err := findApp(known, name)
	if err != nil {
		return err
	}
	if app.Retired {
		e.say("%s is retired already.", app.AppKey)
		return nil
	}

	repo, keys, err := o.writable(e)
	if err != nil {
		return err
	}
	text, err := repo.Config().Retire(app.AppKey, known)
	if err != nil {
		return err
	}
	after, err := repository.ParseConfig(text)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Miss the application %s no longer (last saved in %s)?", app.AppKey, app.Point)
	if wanted, err := o.agree(ctx, e, repo.Config(), after, question); err != nil || !wanted {
		return err
	}
	commit, err := repo.SetConfig(ctx, keys, text, e.now())
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Out, "commit  %.12s\n", commit)
	return nil
}
