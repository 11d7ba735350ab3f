package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/apps/statedir"
	"github.com/appbur/appbur/internal/progress"
)

type appsExportOptions struct {
	calledOptions
	sourceOptions
	out       string
	sensitive bool
	json      bool
}

// exportedState is what `apps export --json` prints (docs/json.md).
type exportedState struct {
	Application appbur.AppKey         `json:"application"`
	App         string                `json:"app"`
	Version     string                `json:"version"`
	Point       appbur.RestorePointID `json:"restorePoint,omitempty"`
	Directory   string                `json:"directory"`
	Datasets    []exportedDataset     `json:"datasets"`
}

type exportedDataset struct {
	Name      string `json:"name"`
	Schema    string `json:"schema"`
	MediaType string `json:"mediaType"`
	Rows      int64  `json:"rows"`
	Size      int64  `json:"size"`
	Sensitive bool   `json:"sensitive,omitempty"`
}

func newAppsExport(e *env) *cobra.Command {
	o := &appsExportOptions{}
	command := &cobra.Command{
		Use:   "export APPLICATION --out DIR",
		Short: "Write the state of one application to a directory",
		Long: `Write the state of one application to a directory: what it exports now or, with --point, what a
restore point holds of it. The directory has a file of each dataset and state.json, which says what
they are (docs/formats/statedir.md). It is there completely or not at all, and nothing is written over.

Nothing in the directory is encrypted, so a dataset that is sensitive is written only with
--plain-sensitive. ` + "`appbur backup`" + ` saves it encrypted.` +
			exitStatus("0  written", "1  it cannot be reached, or did not export all of it, or the directory exists",
				"10 no repository, or no such point, or it holds no state of the application", "12 a key or a login was refused"),
		Example: `  appbur apps export shop/orders=orders.example:7443 --out orders.state
  appbur apps export shop/orders --kubeconfig mgmt.yaml --out orders.state
  appbur apps export shop/orders --point latest --repo ./mgmt.git --out orders.state`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return appsExportRun(cmd.Context(), e, o, args[0]) },
	}
	o.calledOptions.addFlags(command)
	o.sourceOptions.addFlags(e, command)
	command.Flags().StringVar(&o.out, "out", "", "`DIR` to write, which does not exist (required)")
	command.Flags().BoolVar(&o.sensitive, "plain-sensitive", false,
		"write sensitive datasets, too: whoever can read the directory can read them")
	jsonFlag(command, &o.json)
	return command
}

func appsExportRun(ctx context.Context, e *env, o *appsExportOptions, name string) error {
	if o.out == "" {
		return &usageError{appbur.WithHint(errors.New("no directory to write to"), "pass --out DIR")}
	}
	key, err := calledKey(name)
	if err != nil {
		return err
	}
	writer, err := statedir.Create(o.out, o.sensitive)
	if err != nil {
		return err
	}

	var app appbur.AppState
	var point appbur.RestorePointID
	if o.point != "" {
		app, point, err = o.fromPoint(ctx, e, key, writer)
	} else {
		app, err = o.fromApp(ctx, e, name, writer)
	}
	if err != nil {
		return errors.Join(err, writer.Drop())
	}
	if err := writer.Finish(app, point, e.now()); err != nil {
		return err
	}
	return o.print(e, app, point)
}

// fromApp has the application export its state.
func (o *appsExportOptions) fromApp(ctx context.Context, e *env, name string, to apps.Store) (appbur.AppState, error) {
	target, dialer, err := o.target(ctx, e, name)
	if err != nil {
		return appbur.AppState{}, err
	}
	bar := e.bar("exporting "+target.String(), progress.Uncounted)
	defer bar.finish()
	return apps.Export(ctx, dialer, target, to, e.rand)
}

// fromPoint copies what a restore point holds.
func (o *appsExportOptions) fromPoint(
	ctx context.Context, e *env, key appbur.AppKey, to apps.Store,
) (appbur.AppState, appbur.RestorePointID, error) {
	saved, err := o.read(ctx, e, key)
	if err != nil {
		return appbur.AppState{}, "", err
	}
	bar := e.bar("reading "+key.String(), progress.Uncounted)
	defer bar.finish()
	for _, d := range saved.app.Datasets {
		if err := copyPayload(saved, d, to); err != nil {
			return appbur.AppState{}, "", err
		}
	}
	return saved.app, saved.point, nil
}

func copyPayload(saved sourceState, d appbur.Dataset, to apps.Store) (err error) {
	out, err := to.Dataset(saved.app.AppKey, d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	in, err := saved.payloads.Payload(saved.app.AppKey, d)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if _, err := io.Copy(out, in); err != nil {
		return fmt.Errorf("dataset %s: %w", d.Name, err)
	}
	return nil
}

func (o *appsExportOptions) print(e *env, app appbur.AppState, point appbur.RestorePointID) error {
	if o.json {
		answer := exportedState{
			Application: app.AppKey, App: app.App, Version: app.Version, Point: point, Directory: o.out, Datasets: []exportedDataset{},
		}
		for _, d := range app.Datasets {
			answer.Datasets = append(answer.Datasets, exportedDataset{d.Name, d.Schema, d.MediaType, d.Rows, d.Size, d.Sensitive})
		}
		return e.printJSON(answer)
	}

	out := e.paragraphs(4)
	of := "as it is now"
	if point != "" {
		of = "as of restore point " + string(point)
	}
	fmt.Fprintf(out, "state of %s (%s %s), %s, written to %s\n", app.AppKey, app.App, app.Version, of, oneLine(o.out))
	for _, d := range app.Datasets {
		fmt.Fprintf(out, "  %s: %s, %s, schema %s\n", d.Name, d.Content(), sizeText(d.Size), d.Schema)
	}
	return nil
}
