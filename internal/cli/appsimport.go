package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/apps/statedir"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/restore"
)

type appsImportOptions struct {
	besideOptions
	yes    bool
	dryRun bool
	before string
	wait   time.Duration
	json   bool
}

func newAppsImport(e *env) *cobra.Command {
	o := &appsImportOptions{}
	command := &cobra.Command{
		Use:   "import APPLICATION",
		Short: "Hand one running application state that was saved",
		Long: `Hand a running application state that was saved, in a restore point or in a directory of
` + "`appbur apps export`" + `, export it again, and compare. Nothing else of the cluster is touched. What is
saved and what the application has is shown first, and asked for.

It replaces the state that the application has, and cannot be undone. --save-before writes that
state to a directory first, from where it can be imported again. With --dry-run the application tries
the import and rolls it back.` +
			exitStatus("0  imported, exported again, and equal", "1  failed; the application says whether something was changed",
				"10 no repository, or no such point, or it holds no state of the application", "12 a key or a login was refused",
				"64 wrong command line, or no terminal and no --yes", "130 not confirmed, nothing was changed"),
		Example: `  appbur apps import shop/orders=orders.example:7443 --point latest --repo ./mgmt.git
  appbur apps import shop/orders --kubeconfig mgmt.yaml --from orders.state --dry-run
  appbur apps import shop/orders=localhost:7443 --from orders.state --save-before orders.before --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return appsImportRun(cmd.Context(), e, o, args[0]) },
	}
	o.addFlags(e, command)
	command.Flags().BoolVar(&o.yes, "yes", false, "do not ask for confirmation")
	command.Flags().BoolVar(&o.dryRun, "dry-run", false, "have the application try the import without committing it")
	command.Flags().StringVar(&o.before, "save-before", "",
		"write the state that the application has to this `DIR` first; sensitive datasets, too, and unencrypted")
	addAppWaitFlag(command, &o.wait)
	jsonFlag(command, &o.json)
	return command
}

func appsImportRun(ctx context.Context, e *env, o *appsImportOptions, name string) error {
	if err := checkAppWait(o.wait); err != nil {
		return err
	}
	saved, target, dialer, err := o.both(ctx, e, name)
	if err != nil {
		return err
	}
	says, err := apps.Describe(ctx, dialer, target)
	if err != nil {
		return err
	}
	if !o.json {
		e.printImportPlan(target, saved, says)
	}
	if !o.dryRun && !o.yes {
		if err := e.confirm(ctx, fmt.Sprintf("Replace the state of %s at %s?", saved.app.AppKey, oneLine(target.Address))); err != nil {
			return err
		}
	}
	if o.before != "" && !o.dryRun {
		if err := o.saveBefore(ctx, e, dialer, target); err != nil {
			return fmt.Errorf("the state that the application has could not be saved, and nothing was changed: %w", err)
		}
	}

	bars := e.appBar([]appbur.AppState{saved.app})
	importer := &apps.Importer{
		Dialer: dialer, Targets: []apps.Target{target}, Payloads: saved.payloads, Random: e.rand, ReadyTimeout: o.wait, DryRun: o.dryRun,
		Progress: bars.report,
	}
	imported, err := importer.ImportInto(ctx, target, saved.app)
	bars.finish()
	if err != nil {
		return err
	}
	done := restore.AppOutcome{App: saved.app.AppKey, Result: restore.Created, Imported: &imported}
	if o.json {
		return e.printJSON(done)
	}
	e.printImport(done)
	return nil
}

// printImportPlan says what would replace what.
func (e *env) printImportPlan(target apps.Target, saved sourceState, says apps.Description) {
	out := e.paragraphs(4)
	fmt.Fprintf(out, "State of %s (%s %s), saved in %s, into %s %s at %s\n", saved.app.AppKey, saved.app.App, saved.app.Version,
		oneLine(saved.place), says.App, says.Version, oneLine(target.Address))
	for _, d := range saved.app.Datasets {
		becomes := "schema " + d.Schema
		at := slices.IndexFunc(says.Datasets, func(info contract.DatasetInfo) bool { return info.Name == d.Name })
		switch {
		case at < 0:
			becomes += e.paint(sgrYellow, ", which the application does not have")
		case says.Datasets[at].Schema != d.Schema:
			becomes += " becomes " + says.Datasets[at].Schema
		}
		fmt.Fprintf(out, "  %s: %s, %s, %s\n", d.Name, d.Content(), sizeText(d.Size), becomes)
	}
	fmt.Fprintln(e.Out)
}

// saveBefore writes the state that the application has.
func (o *appsImportOptions) saveBefore(ctx context.Context, e *env, dialer apps.Dialer, target apps.Target) error {
	writer, err := statedir.Create(o.before, true)
	if err != nil {
		return err
	}
	app, err := apps.Export(ctx, dialer, target, writer, e.rand)
	if err != nil {
		return errors.Join(err, writer.Drop())
	}
	return writer.Finish(app, "", e.now())
}
