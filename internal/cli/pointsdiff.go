package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/selection"
)

// pointsDifference is what `points diff --json` prints (docs/json.md).
type pointsDifference struct {
	From    appbur.RestorePointID   `json:"from"`
	To      appbur.RestorePointID   `json:"to"`
	Objects []repository.PathChange `json:"objects"`
	Apps    []datasetChange         `json:"apps"`
}

type datasetChange struct {
	App     string `json:"app"`
	Dataset string `json:"dataset"`
	What    string `json:"what"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	// Pieces of the newer payload differ, of so many.
	Pieces   int `json:"piecesChanged"`
	PiecesOf int `json:"pieces"`
	// Rows is absent where it cannot be told, as of encrypted payloads.
	Rows *repository.RowCounts `json:"rows,omitempty"`
}

// pointsDiffOptions say where the points are, and what of them is compared.
type pointsDiffOptions struct {
	repositoryOptions
	selectionOptions
	apps []string
}

func newPointsDiff(e *env) *cobra.Command {
	var (
		o      pointsDiffOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "diff FROM TO [KIND/NAME...]",
		Short: "Show which objects and datasets differ between two restore points",
		Long: `Show which objects and datasets differ between two restore points.
` + "`git diff`" + ` between the two tags shows the lines; Secrets and sensitive datasets show as changed when they
were encrypted again, never their values.` +
			exitStatus("0  no difference", "4  they differ", "10 no repository, no such point, or nothing that is meant"),
		Example: `  appbur points diff 20261120T000000Z latest --repo ./mgmt.git
  appbur points diff 20261120T000000Z latest -n team-a --kind secret --repo ./mgmt.git
  appbur points diff 20261120T000000Z latest --repo ./mgmt.git --json`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.words.Objects, o.words.Apps = args[2:], o.apps
			return pointsDiffRun(cmd.Context(), e, &o, args[0], args[1], asJSON)
		},
	}

	o.repositoryOptions.addFlags(e, command)
	o.selectionOptions.addFlags(command)
	o.addAppFlags(command)
	command.Flags().StringArrayVar(&o.apps, "app", nil, "state of this `APPLICATION` only: NAMESPACE/NAME or NAME, patterns; repeatable")
	jsonFlag(command, &asJSON)
	return command
}

func pointsDiffRun(ctx context.Context, e *env, o *pointsDiffOptions, fromName, toName string, asJSON bool) error {
	selector, err := o.parse()
	if err != nil {
		return err
	}
	repo, err := o.open()
	if err != nil {
		return err
	}
	from, err := repo.Resolve(fromName)
	if err != nil {
		return err
	}
	to, err := repo.Resolve(toName)
	if err != nil {
		return err
	}

	difference := pointsDifference{From: from.ID, To: to.ID, Objects: []repository.PathChange{}, Apps: []datasetChange{}}
	if changes, err := repo.Diff(from, to); err != nil {
		return err
	} else if changes != nil {
		difference.Objects = changes
	}
	datasets, err := repo.DiffDatasets(from, to)
	if err != nil {
		return err
	}
	for _, d := range datasets {
		difference.Apps = append(difference.Apps, describeDataset(d))
	}
	if !selector.Everything() {
		if err := narrow(ctx, e, repo, selector, &difference, from, to); err != nil {
			return err
		}
	}

	if asJSON {
		if err := e.printJSON(difference); err != nil {
			return err
		}
	} else {
		for _, c := range difference.Objects {
			fmt.Fprintf(e.Out, "%s %s\n", e.mark(c.What), c.Path)
		}
		for _, c := range difference.Apps {
			fmt.Fprintf(e.paragraphs(4), "%s app %s, dataset %s: %s\n", e.mark(c.What), c.App, c.Dataset, c.text())
		}
	}

	if len(difference.Objects)+len(difference.Apps) > 0 {
		return errDifferent
	}
	e.say("No difference.")
	return nil
}

// narrow leaves in the difference what is selected in one of the points. Labels and names
// are in the manifests, so both points are read.
func narrow(
	ctx context.Context, e *env, repo *repository.Repository, selector selection.Selector,
	difference *pointsDifference, refs ...repository.PointRef,
) error {
	var points []restore.Point
	at := map[string][]selection.Object{}
	apps := map[string]appbur.AppKey{}
	for _, ref := range refs {
		loaded, err := e.loadPoint(ctx, chosen{repo: repo, ref: ref}, nil)
		if err != nil {
			return err
		}
		for _, object := range loaded.Objects {
			at[object.Path] = append(at[object.Path], selectable(object.ID, object.Content))
		}
		for _, app := range loaded.Meta.Apps {
			apps[app.String()] = app.AppKey
		}
		points = append(points, pointOf(loaded))
	}

	selected, err := resolve(e, selector, points...)
	if err != nil {
		return err
	}
	difference.Objects = slices.DeleteFunc(difference.Objects, func(c repository.PathChange) bool {
		return !slices.ContainsFunc(at[c.Path], selected.Holds)
	})
	difference.Apps = slices.DeleteFunc(difference.Apps, func(c datasetChange) bool { return !selected.HoldsApp(apps[c.App]) })
	return nil
}

func (e *env) mark(what string) string {
	switch what {
	case "added":
		return e.paint(sgrGreen, "+")
	case "removed":
		return e.paint(sgrRed, "-")
	default:
		return e.paint(sgrYellow, "~")
	}
}

func describeDataset(d repository.DatasetChange) datasetChange {
	describe := func(d *appbur.Dataset) string {
		if d == nil {
			return ""
		}
		text := fmt.Sprintf("%s %s, %s", d.Schema, digestText(*d, d.Digest.Short()), d.Content())
		if d.Opaque() {
			text += ", " + sizeText(d.Size)
		}
		return text
	}

	change := datasetChange{
		App: d.App.String(), Dataset: d.Dataset, What: "changed",
		From: describe(d.From), To: describe(d.To), Pieces: d.Pieces, Rows: d.Rows,
	}
	switch {
	case d.From == nil:
		change.What = "added"
	case d.To == nil:
		change.What = "removed"
	}

	if d.To != nil {
		change.PiecesOf = len(d.To.Pieces)
	}
	return change
}

// text says what became of a dataset, as well as it is known.
func (c datasetChange) text() string {
	text := c.From + " -> " + c.To
	switch {
	case c.What == "added":
		return c.To
	case c.What == "removed":
		return c.From
	case c.Rows != nil:
		return text + fmt.Sprintf("; %d rows added, %d changed, %d removed", c.Rows.Added, c.Rows.Changed, c.Rows.Removed)
	default:
		return text + fmt.Sprintf("; %d of %d pieces differ", c.Pieces, c.PiecesOf)
	}
}
