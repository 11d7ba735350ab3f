package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
)

func newPoints(e *env) *cobra.Command {
	command := &cobra.Command{
		Use:   "points",
		Short: "List, show and compare restore points",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newPointsList(e), newPointsShow(e), newPointsDiff(e))
	return command
}

// pointSummary is one line of `points list` (docs/json.md).
type pointSummary struct {
	appbur.RestorePoint
	Commit string `json:"commit"`
}

func newPointsList(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "list",
		Short: "List restore points, newest first",
		Long:  "List restore points, newest first." + exitStatus("0  listed, even if there is none", "10 no repository"),
		Example: `  appbur points list --repo ./mgmt.git
  appbur points list --repo ./mgmt.git --json | jq -r '.[0].id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return pointsListRun(cmd.Context(), e, &o, asJSON) },
	}
	o.addFlags(e, command)
	jsonFlag(command, &asJSON)
	return command
}

func pointsListRun(_ context.Context, e *env, o *repositoryOptions, asJSON bool) error {
	repo, err := o.open()
	if err != nil {
		return err
	}
	refs, err := repo.Points()
	if err != nil {
		return err
	}
	summaries := make([]pointSummary, 0, len(refs))
	for _, ref := range refs {
		description, err := repo.Describe(ref)
		if err != nil {
			return err
		}
		summaries = append(summaries, pointSummary{description, string(ref.Commit)})
	}
	if asJSON {
		return e.printJSON(summaries)
	}
	if len(summaries) == 0 {
		e.say("No restore points yet. Make one with: appbur backup --repo %s", repo.Dir())
		return nil
	}
	t := newTable(e.Streams, "id", "taken", "kubernetes", "objects", "apps", "state")
	for _, s := range summaries {
		state := coloured(sgrGreen, "complete")
		if s.Partial {
			state = coloured(sgrYellow, "partial")
		}
		t.add(coloured(sgrCyan, string(s.ID)), plain(e.when(s.Created)), plain(s.Cluster.Version.String()), number(s.Objects), number(len(s.Apps)), state)
	}
	t.print(e.Out)
	return nil
}

// when writes a time for a person as its distance, for a pipe as RFC 3339.
func (e *env) when(at time.Time) string {
	if !e.OutTerminal {
		return at.UTC().Format(time.RFC3339)
	}
	switch ago := e.now().Sub(at); {
	case ago < time.Minute:
		return fmt.Sprintf("%d s ago", max(0, int(ago.Seconds())))
	case ago < time.Hour:
		return fmt.Sprintf("%d min ago", int(ago.Minutes()))
	case ago < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(ago.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(ago.Hours()/24))
	}
}

func newPointsShow(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "show POINT",
		Short: "Show what a restore point holds, and whether its signature is good",
		Long:  "Show what a restore point holds, and whether its signature is good." + exitStatus("0  shown", "10 no repository or no such point", "5  the history was rewritten", "12 the signature cannot be trusted"),
		Example: `  appbur points show latest --repo ./mgmt.git
  appbur points show 20261121T030238Z --repo ./mgmt.git --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return pointsShowRun(cmd.Context(), e, &o, args[0], asJSON)
		},
	}
	o.addFlags(e, command)
	o.addTrustFlag(command)
	o.addHistoryFlags(e, command)
	jsonFlag(command, &asJSON)
	return command
}

func pointsShowRun(ctx context.Context, e *env, o *repositoryOptions, name string, asJSON bool) error {
	c, err := o.point(e, name)
	if err != nil {
		return err
	}
	loaded, err := c.repo.Load(ctx, c.ref, nil)
	if err != nil {
		return err
	}
	if asJSON {
		return e.printJSON(struct {
			pointSummary
			SignedBy string          `json:"signedBy"`
			History  pointHistory    `json:"history"`
			Coverage appbur.Coverage `json:"coverage"`
		}{pointSummary{loaded.Meta, string(c.ref.Commit)}, c.standing.Signer, historyOf(c.standing), loaded.Coverage})
	}
	m := loaded.Meta
	fmt.Fprintf(e.Out, "restore point  %s\ntaken          %s\ncluster        %s\nKubernetes     %s\nrules          %s\nmanifests      commit %s\n",
		m.ID, m.Created.Format(time.RFC3339), m.Cluster.ID, m.Cluster.Version, m.Rules, m.Manifests)
	e.printStanding(c.standing)
	byKind := map[string]int{}
	for _, object := range loaded.Objects {
		byKind[object.ID.GroupKind().String()]++
	}
	fmt.Fprintf(e.Out, "objects        %d of %d kinds\n", m.Objects, len(byKind))
	for _, app := range m.Apps {
		fmt.Fprintf(e.Out, "application    %s: %s %s\n", app.AppKey, app.App, app.Version)
		for _, d := range app.Datasets {
			fmt.Fprintf(e.Out, "               %s, schema %s, %d rows, %s, %s\n", d.Name, d.Schema, d.Rows, sizeText(d.Size), d.Digest)
		}
	}
	fmt.Fprintln(e.Out)
	t := newTable(e.Streams, "type", "version", "saved", "excluded", "state")
	for _, c := range loaded.Coverage.Types {
		state := coloured(sgrGreen, "complete")
		if !c.Complete {
			state = coloured(sgrYellow, "incomplete: "+oneLine(c.Reason))
		}
		t.add(plain(c.GroupKind().String()), plain(c.Version), number(c.Saved), number(c.Excluded), state)
	}
	for _, g := range loaded.Coverage.Groups {
		state := coloured(sgrYellow, "unreadable: "+oneLine(g.Reason))
		if g.Virtual {
			state = plain("no answer, but nothing is stored there: " + oneLine(g.Reason))
		}
		t.add(plain(g.GroupVersion), plain(""), plain(""), plain(""), state)
	}
	t.print(e.Out)
	return nil
}

// sizeText writes bytes in binary units (IEC 80000-13).
func sizeText(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	default:
		return fmt.Sprintf("%d B", bytes)
	}
}

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
}

func newPointsDiff(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "diff FROM TO",
		Short: "Show which objects and datasets differ between two restore points",
		Long: `Show which objects and datasets differ between two restore points.
` + "`git diff`" + ` between the two tags shows the lines; Secrets show as changed, never their values.` +
			exitStatus("0  no difference", "4  they differ", "10 no repository or no such point"),
		Example: `  appbur points diff 20261120T000000Z latest --repo ./mgmt.git
  appbur points diff 20261120T000000Z latest --repo ./mgmt.git --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return pointsDiffRun(cmd.Context(), e, &o, args[0], args[1], asJSON)
		},
	}
	o.addFlags(e, command)
	jsonFlag(command, &asJSON)
	return command
}

func pointsDiffRun(_ context.Context, e *env, o *repositoryOptions, fromName, toName string, asJSON bool) error {
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
	before, err := repo.Describe(from)
	if err != nil {
		return err
	}
	after, err := repo.Describe(to)
	if err != nil {
		return err
	}
	difference.Apps = append(difference.Apps, diffApps(before, after)...)
	if asJSON {
		if err := e.printJSON(difference); err != nil {
			return err
		}
	} else {
		for _, c := range difference.Objects {
			fmt.Fprintf(e.Out, "%s %s\n", e.mark(c.What), c.Path)
		}
		for _, c := range difference.Apps {
			fmt.Fprintf(e.Out, "%s app %s, dataset %s: %s -> %s\n", e.mark(c.What), c.App, c.Dataset, c.From, c.To)
		}
	}
	if len(difference.Objects)+len(difference.Apps) > 0 {
		return errDifferent
	}
	e.say("No difference.")
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

// diffApps compares datasets by digest and schema.
func diffApps(before, after appbur.RestorePoint) []datasetChange {
	describe := func(d appbur.Dataset) string {
		return fmt.Sprintf("%s %s, %d rows", d.Schema, d.Digest.Short(), d.Rows)
	}
	index := func(p appbur.RestorePoint) (map[[2]string]string, [][2]string) {
		texts, order := map[[2]string]string{}, [][2]string(nil)
		for _, app := range p.Apps {
			for _, d := range app.Datasets {
				key := [2]string{app.String(), d.Name}
				texts[key] = describe(d)
				order = append(order, key)
			}
		}
		return texts, order
	}
	old, oldOrder := index(before)
	current, order := index(after)
	var list []datasetChange
	for _, key := range order {
		switch was, known := old[key]; {
		case !known:
			list = append(list, datasetChange{key[0], key[1], "added", "", current[key]})
		case was != current[key]:
			list = append(list, datasetChange{key[0], key[1], "changed", was, current[key]})
		}
	}
	for _, key := range oldOrder {
		if _, still := current[key]; !still {
			list = append(list, datasetChange{key[0], key[1], "removed", old[key], ""})
		}
	}
	return list
}
