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

// unreadableSummary is the line of a point that cannot be read. Partial is true, so
// that no filter takes it for a good one.
type unreadableSummary struct {
	ID         appbur.RestorePointID `json:"id"`
	Partial    bool                  `json:"partial"`
	Unreadable string                `json:"unreadable"`
}

func unreadable(points []repository.UnreadablePoint) []unreadableSummary {
	list := make([]unreadableSummary, len(points))
	for i, p := range points {
		list[i] = unreadableSummary{p.Ref.ID, true, p.Err.Error()}
	}
	return list
}

// warnUnreadable says why points cannot be read.
func (e *env) warnUnreadable(points []repository.UnreadablePoint) {
	for _, p := range points {
		e.warn("%s", oneLine(p.Err.Error()))
	}
	if len(points) > 0 {
		e.warn("points that cannot be read are never restored from and never pruned; take one away with: appbur points delete %s", points[0].Ref.ID)
	}
}

func newPointsList(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "list",
		Short: "List restore points, newest first",
		Long: `List restore points, newest first. A tag below restore-points/ that does not lead
to a restore point, because it is damaged or somebody else made it, is listed as
unreadable, with the reason.` + exitStatus("0  listed, even if there is none", "3  listed, and some cannot be read", "10 no repository"),
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
	all, err := repo.Catalog()
	if err != nil {
		return err
	}
	if len(all.Refs)+len(all.Unreadable) == 0 && !asJSON {
		e.say("No restore points yet. Make one with: appbur backup --repo %s", repo.Dir())
		return nil
	}
	lines := []any{}
	t := newTable(e.Streams, "id", "taken", "kubernetes", "objects", "apps", "state")
	bad := unreadable(all.Unreadable)
	addBad := func() {
		lines = append(lines, bad[0])
		t.add(coloured(sgrCyan, string(bad[0].ID)), plain(""), plain(""), plain(""), plain(""), coloured(sgrRed, "unreadable"))
		bad = bad[1:]
	}
	for i, ref := range all.Refs {
		for len(bad) > 0 && bad[0].ID > ref.ID { // both are sorted newest first
			addBad()
		}
		p := all.Points[i]
		lines = append(lines, pointSummary{p, string(ref.Commit)})
		t.add(coloured(sgrCyan, string(p.ID)), plain(e.when(p.Created)), plain(p.Cluster.Version.String()), number(p.Objects), number(len(p.Apps)), stateOf(p))
	}
	for len(bad) > 0 {
		addBad()
	}
	if asJSON {
		err = e.printJSON(lines)
	} else {
		t.print(e.Out)
		e.warnUnreadable(all.Unreadable)
	}
	if err == nil && len(all.Unreadable) > 0 {
		return errPartly
	}
	return err
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
