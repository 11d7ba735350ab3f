package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
)

func newPoints(e *env) *cobra.Command {
	command := &cobra.Command{
		Use:   "points",
		Short: "List, show, compare, delete and prune restore points",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newPointsList(e), newPointsShow(e), newPointsDiff(e), newPointsDelete(e), newPointsPrune(e))
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
	refs, points, err := repo.Described()
	if err != nil {
		return err
	}
	summaries := make([]pointSummary, 0, len(refs))
	for i, ref := range refs {
		summaries = append(summaries, pointSummary{points[i], string(ref.Commit)})
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
		t.add(coloured(sgrCyan, string(s.ID)), plain(e.when(s.Created)), plain(s.Cluster.Version.String()), number(s.Objects), number(len(s.Apps)), stateOf(s.RestorePoint))
	}
	t.print(e.Out)
	return nil
}

// stateOf says whether a point is complete.
func stateOf(p appbur.RestorePoint) cell {
	if p.Partial {
		return coloured(sgrYellow, "partial")
	}
	return coloured(sgrGreen, "complete")
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
