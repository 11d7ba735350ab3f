package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	// Misdated points carry a time that cannot be true.
	Misdated bool `json:"misdated,omitempty"`
}

// unreadableSummary is the line of a point that cannot be read. Partial is true, so
// that no filter takes it for a good one.
type unreadableSummary struct {
	ID         appbur.RestorePointID `json:"id"`
	Partial    bool                  `json:"partial"`
	Unreadable string                `json:"unreadable"`
}

// untrustedSummary is the line of a point that nobody trusted has signed. Partial is
// true for the same reason.
type untrustedSummary struct {
	ID        appbur.RestorePointID `json:"id"`
	Partial   bool                  `json:"partial"`
	Untrusted string                `json:"untrusted"`
}

func unreadable(points []repository.RejectedPoint) []unreadableSummary {
	list := make([]unreadableSummary, len(points))
	for i, p := range points {
		list[i] = unreadableSummary{p.Ref.ID, true, p.Err.Error()}
	}
	return list
}

func untrusted(points []repository.RejectedPoint) []untrustedSummary {
	list := make([]untrustedSummary, len(points))
	for i, p := range points {
		list[i] = untrustedSummary{p.Ref.ID, true, p.Err.Error()}
	}
	return list
}

// warnRejected says why points count for nothing, and which have a time that cannot be
// true.
func (e *env) warnRejected(all repository.Catalog) {
	var misdated []string
	for i, wrong := range all.Misdated {
		if wrong {
			misdated = append(misdated, string(all.Refs[i].ID))
		}
	}
	if len(misdated) > 0 {
		e.warn("the time of %s cannot be true, a clock was wrong: "+
			"it is listed where it belongs in the history, and kept until it is deleted by name", appbur.Shortlist(misdated, shownNames))
	}

	rejected := all.Rejected()
	for _, p := range rejected[:min(len(rejected), shownNames)] {
		e.warn("%s", oneLine(p.Err.Error()))
	}
	if more := len(rejected) - shownNames; more > 0 {
		e.warn("%s more count for nothing: `appbur points list --json` says why", pointsText(more))
	}
	if len(all.Unreadable) > 0 {
		e.warn("points that cannot be read are never restored from and never pruned; take one away with: appbur points delete %s",
			all.Unreadable[0].Ref.ID)
	}
	if len(all.Untrusted) > 0 {
		e.warn("points without a trusted signature are never restored from, never pruned, and do not affect which others are kept; "+
			"delete one with: appbur points delete %s", all.Untrusted[0].Ref.ID)
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

	lines := []any{}
	t := e.newTable(pointsListColumns...)
	for _, line := range catalogLines(all) {
		lines = append(lines, line.json)
		if p := line.point; p == nil {
			t.add(coloured(sgrCyan, string(line.id)), plain(""), plain(""), plain(""), plain(""), coloured(sgrRed, line.state))
		} else {
			t.add(coloured(sgrCyan, string(p.ID)), plain(e.when(p.Created)), plain(p.Cluster.Version.String()), number(p.Objects), appsOf(*p),
				stateOf(*p))
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
			catalogLine{id: ref.ID, point: &all.Points[i], json: pointSummary{all.Points[i], ref.Commit.String(), all.Misdated[i]}})
	}
	return append(lines, bad...)
}

// appsOf counts the applications of a point, and those that it should have held.
func appsOf(p appbur.RestorePoint) cell {
	if len(p.Missing) == 0 {
		return number(len(p.Apps))
	}
	return coloured(sgrYellow, fmt.Sprintf("%d of %d", len(p.Apps), len(p.Apps)+len(p.Missing)))
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
