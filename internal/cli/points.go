package cli

import (
	"context"
	"slices"
	"strings"

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
	// Misdated points carry a time that cannot be true.
	Misdated bool `json:"misdated,omitempty"`
	// Drilled is the newest drill of the point, nil if there was none.
	Drilled *drilled `json:"drilled,omitempty"`
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
unreadable, with the reason; one that nobody trusted has signed is untrusted. Where
no signer is trusted yet, signatures are not checked.` + exitStatus("0  listed, even if there is none",
			"3  listed, and some cannot be read or are not trusted", "10 no repository"),
		Example: `  appbur points list --repo ./mgmt.git
  appbur points list --repo ./mgmt.git --json | jq -r '.[0].id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return pointsListRun(cmd.Context(), e, &o, asJSON) },
	}

	o.addFlags(e, command)
	o.addTrustFlag(command)
	jsonFlag(command, &asJSON)
	headersFlag(e, command)
	return command
}

func pointsListRun(_ context.Context, e *env, o *repositoryOptions, asJSON bool) error {
	repo, err := o.open()
	if err != nil {
		return err
	}
	trusted, err := o.signers(e, repo)
	if err != nil && o.trust != "" {
		return err
	}
	if len(trusted) == 0 {
		e.warn("signatures are not checked: no signer is trusted yet (pass --trust FILE)")
	}
	all, err := e.catalog(repo, trusted)
	if err != nil {
		return err
	}
	rejected := len(all.Rejected())
	if len(all.Refs)+rejected == 0 && !asJSON {
		e.say("No restore points yet. Make one with: appbur backup --repo %s", repo.Dir())
		return nil
	}

	drills, err := drilledPoints(repo, trusted)
	if err != nil {
		return err
	}
	lines := []any{}
	columns := pointsListColumns
	if len(drills) == 0 { // where nobody drills there is nothing to say
		columns = columns[:len(columns)-1]
	}
	t := e.newTable(columns...)
	for _, line := range catalogLines(all) {
		if summary, is := line.json.(pointSummary); is {
			if d, has := drills[summary.ID]; has {
				summary.Drilled = &d
			}
			line.json = summary
		}
		lines = append(lines, line.json)
		if p := line.point; p == nil {
			t.add(coloured(sgrCyan, string(line.id)), plain(""), plain(""), plain(""), plain(""), coloured(sgrRed, line.state))
		} else {
			t.add(coloured(sgrCyan, string(p.ID)), plain(e.when(p.Created)), plain(p.Cluster.Version.String()), number(p.Objects), appsOf(*p),
				stateOf(*p))
		}
		if last := len(t.rows) - 1; len(drills) > 0 {
			t.rows[last] = append(t.rows[last], e.drilledCell(line.point, drills))
		}
	}

	if asJSON {
		err = e.printJSON(lines)
	} else {
		t.print(e.Out)
		e.warnRejected(all)
	}
	if err == nil && rejected > 0 {
		return errPartly
	}
	return err
}

// catalogLine is a line of `points list`.
type catalogLine struct {
	id appbur.RestorePointID
	// point is nil when it counts for nothing; state says why then.
	point *appbur.RestorePoint
	state string
	json  any
}

// catalogLines puts points that count for nothing where their ids belong.
func catalogLines(all repository.Catalog) []catalogLine {
	var bad []catalogLine
	for i, line := range unreadable(all.Unreadable) {
		bad = append(bad, catalogLine{id: all.Unreadable[i].Ref.ID, state: "unreadable", json: line})
	}
	for i, line := range untrusted(all.Untrusted) {
		bad = append(bad, catalogLine{id: all.Untrusted[i].Ref.ID, state: "untrusted", json: line})
	}
	slices.SortFunc(bad, func(a, b catalogLine) int { return strings.Compare(string(b.id), string(a.id)) })

	var lines []catalogLine
	for i, ref := range all.Refs {
		for len(bad) > 0 && bad[0].id > ref.ID { // all are sorted newest first
			lines, bad = append(lines, bad[0]), bad[1:]
		}
		lines = append(lines,
			catalogLine{id: ref.ID, point: &all.Points[i], json: pointSummary{all.Points[i], ref.Commit.String(), all.Misdated[i], nil}})
	}
	return append(lines, bad...)
}
