package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
)

type appsCompareOptions struct {
	besideOptions
	json bool
}

func newAppsCompare(e *env) *cobra.Command {
	o := &appsCompareOptions{}
	command := &cobra.Command{
		Use:   "compare APPLICATION",
		Short: "Compare the state of one running application with what was saved",
		Long: `Have a running application export its state, and compare it with what was saved, in a restore
point or in a directory of ` + "`appbur apps export`" + `. Saved rows are changed first as the application
declares, so that a newer version of it can be equal. Nothing is changed.` +
			exitStatus("0  equal", "1  it cannot be reached, or did not export all of it", "4  differences found",
				"10 no repository, or no such point, or it holds no state of the application", "12 a key or a login was refused"),
		Example: `  appbur apps compare shop/orders=orders.example:7443 --point latest --repo ./mgmt.git
  appbur apps compare shop/orders --kubeconfig mgmt.yaml --from orders.state`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return appsCompareRun(cmd.Context(), e, o, args[0]) },
	}
	o.addFlags(e, command)
	jsonFlag(command, &o.json)
	return command
}

func appsCompareRun(ctx context.Context, e *env, o *appsCompareOptions, name string) error {
	saved, target, dialer, err := o.both(ctx, e, name)
	if err != nil {
		return err
	}

	bars := e.appBar([]appbur.AppState{saved.app})
	checker := apps.Checker{Dialer: dialer, Payloads: saved.payloads, Random: e.rand, Progress: bars.report}
	differences, err := checker.Check(ctx, target, saved.app)
	bars.finish()
	if err != nil {
		return err
	}
	compared := appVerification{App: saved.app.String(), Differences: append([]string{}, differences...)}
	if o.json {
		err = e.printJSON(compared)
	} else {
		e.printAppVerification(e.paragraphs(4), compared)
	}
	if err == nil && len(differences) > 0 {
		return errDifferent
	}
	return err
}
