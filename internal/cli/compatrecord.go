package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/goldens"
)

type compatRecordOptions struct {
	underTestOptions

	plain, leaveOut bool
	json            bool
}

// recordedGolden is what `compat record --json` prints (docs/json.md).
type recordedGolden struct {
	Directory string            `json:"directory"`
	App       string            `json:"app"`
	Release   string            `json:"release"`
	Recorded  string            `json:"recorded"`
	Before    bool              `json:"recordedBefore"`
	Datasets  []recordedDataset `json:"datasets"`
}

type recordedDataset struct {
	Name      string         `json:"name"`
	Schema    string         `json:"schema"`
	MediaType string         `json:"mediaType"`
	File      string         `json:"file,omitempty"`
	Digest    *appbur.Digest `json:"digest,omitempty"`
	Rows      int64          `json:"rows"`
	Described bool           `json:"described"`
	LeftOut   string         `json:"leftOut,omitempty"`
}

func newCompatRecord(e *env) *cobra.Command {
	o := &compatRecordOptions{}
	command := &cobra.Command{
		Use:   "record DIR --app ADDRESS",
		Short: "Keep the state of a released application as a golden payload",
		Long: `Have a running application export its state, and keep it in DIR as the golden of its version: rows
as text, one on each line, opaque state as its bytes, and what the application said about itself. A
lock file has the digest of every file. It only ever grows: the same version with other content is
refused (docs/formats/goldens.md). ` + "`appbur compat payload`" + ` checks later versions by it.

Record a release when it is released, from an instance with made-up data that sets every field. Nothing
in DIR is encrypted, and it is meant to be committed. So an application with sensitive datasets is
recorded only with --plain-sensitive, or with --leave-out-sensitive.` +
			exitStatus("0  recorded, or the same was recorded before", "1  it cannot be reached, or did not export all of it",
				"12 a login was refused", "21 the version is recorded already, with other content, or the lock file was edited",
				"64 wrong command line, or a dataset is sensitive"),
		Example: `  appbur compat record testdata/goldens --app unix:///run/orders.sock
  appbur compat record testdata/goldens --app unix:///run/orders.sock --schema orders=orders.schema.json --plain-sensitive`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return compatRecordRun(cmd.Context(), e, o, args[0]) },
	}
	o.addFlags(command)
	command.Flags().BoolVar(&o.plain, "plain-sensitive", false,
		"record sensitive datasets, too: whoever can read the directory can read them, so they must be made up")
	command.Flags().BoolVar(&o.leaveOut, "leave-out-sensitive", false, "record nothing of sensitive datasets; then they are not checked")
	jsonFlag(command, &o.json)
	return command
}

func compatRecordRun(ctx context.Context, e *env, o *compatRecordOptions, dir string) (err error) {
	recording := goldens.Recording{Random: e.rand, At: e.now()}
	switch {
	case o.plain && o.leaveOut:
		return &usageError{appbur.WithHint(errors.New("--plain-sensitive and --leave-out-sensitive do not go together"), "pass one of them")}
	case o.plain:
		recording.Sensitive = goldens.Plain
	case o.leaveOut:
		recording.Sensitive = goldens.LeaveOut
	}
	if recording.Schemas, err = o.schemaFiles(); err != nil {
		return err
	}
	client, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()

	result, err := goldens.Record(ctx, client, dir, recording)
	if err != nil {
		return sensitiveHint(err)
	}
	return o.print(e, dir, result)
}

// sensitiveHint says what to do with what is sensitive.
func sensitiveHint(err error) error {
	if isType[*goldens.SensitiveError](err) {
		return &usageError{appbur.WithHint(err,
			"pass --plain-sensitive if its data is made up, or --leave-out-sensitive to record everything else")}
	}
	if errors.Is(err, goldens.ErrNothing) {
		return &usageError{appbur.WithHint(err, "pass --plain-sensitive with an application whose data is made up")}
	}
	return err
}

func (o *compatRecordOptions) print(e *env, dir string, r goldens.Result) error {
	answer := recordedGolden{
		Directory: dir, App: r.App, Release: r.Release, Recorded: r.Recorded.Format("2006-01-02T15:04:05Z07:00"), Before: r.Before,
		Datasets: []recordedDataset{},
	}
	for _, d := range r.Datasets {
		one := recordedDataset{
			Name: d.Name, Schema: d.Schema, MediaType: d.MediaType, File: d.File, Rows: d.Rows, Described: d.SchemaFile != "", LeftOut: d.LeftOut,
		}
		if d.File != "" && !d.Sensitive {
			digest := r.Files[r.Release+"/"+d.File]
			one.Digest = &digest
		}
		answer.Datasets = append(answer.Datasets, one)
	}
	if o.json {
		return e.printJSON(answer)
	}

	out := e.paragraphs(4)
	if r.Before {
		fmt.Fprintf(out, "%s %s was recorded before, and is the same\n", r.App, r.Release)
		return nil
	}
	fmt.Fprintf(out, "recorded %s %s in %s\n", r.App, r.Release, oneLine(filepath.Join(dir, r.Release)))
	for _, d := range answer.Datasets {
		what := fmt.Sprintf("%d rows", d.Rows)
		switch {
		case d.LeftOut != "":
			what = "left out: " + d.LeftOut
		case d.MediaType != "application/x-ndjson":
			what = "opaque, " + d.Digest.String()
		}
		fmt.Fprintf(out, "  %s: schema %s, %s\n", d.Name, d.Schema, what)
	}
	return nil
}
