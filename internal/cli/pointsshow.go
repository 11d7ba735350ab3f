package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
)

func newPointsShow(e *env) *cobra.Command {
	var (
		o      repositoryOptions
		asJSON bool
	)
	command := &cobra.Command{
		Use:   "show POINT",
		Short: "Show what a restore point holds, and whether its signature is good",
		Long: "Show what a restore point holds, and whether its signature is good." +
			exitStatus("0  shown", "10 no repository or no such point", "5  the history was rewritten", "12 the signature cannot be trusted"),
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
	headersFlag(e, command)
	return command
}

func pointsShowRun(ctx context.Context, e *env, o *repositoryOptions, name string, asJSON bool) error {
	c, err := o.point(e, name)
	if err != nil {
		return err
	}
	loaded, err := e.loadPoint(ctx, c, nil)
	if err != nil {
		return err
	}
	restored, err := restoredTo(c)
	if err != nil {
		return err
	}

	if asJSON {
		return e.printJSON(struct {
			pointSummary
			SignedBy string                `json:"signedBy"`
			History  pointHistory          `json:"history"`
			Restored []repository.Restored `json:"restored"`
			Coverage appbur.Coverage       `json:"coverage"`
		}{pointSummary{
			RestorePoint: loaded.Meta,
			Commit:       c.ref.Commit.String(),
		}, c.trust.Signer, historyOf(c.trust), restored, loaded.Coverage})
	}

	m := loaded.Meta
	out := e.paragraphs(fieldIndent)
	fmt.Fprintf(out, "restore point  %s (%s)\ntaken          %s\ncluster        %s\n"+
		"Kubernetes     %s\nrules          %s\nmanifests      commit %s\n",
		m.ID, e.paint(stateOf(m).sgr, stateOf(m).text), takenText(m), m.Cluster.ID, m.Cluster.Version, m.Rules, m.Manifests)
	e.printTrustStatus(c.trust)
	for _, r := range restored {
		fmt.Fprintf(out, "restored       to %s, cluster %s: %s\n", oneLine(cmp.Or(r.Context, r.Server)), oneLine(r.Cluster), restoredWhen(r))
	}
	byKind := map[string]int{}
	for _, object := range loaded.Objects {
		byKind[object.ID.GroupKind().String()]++
	}
	fmt.Fprintf(out, "objects        %d of %d kinds\n", m.Objects, len(byKind))

	for _, app := range m.Apps {
		fmt.Fprintf(out, "application    %s: %s %s%s\n", app.AppKey, app.App, app.Version, originText(app))
		for _, d := range app.Datasets {
			fmt.Fprintf(out, "               %s, schema %s, %s, %s in %d pieces%s, %s\n",
				d.Name, d.Schema, d.Content(), sizeText(d.Size), len(d.Pieces), map[bool]string{true: ", encrypted"}[d.Sensitive],
				digestText(d, d.Digest.String()))
		}
	}

	for _, app := range m.Missing {
		fmt.Fprintf(out, "application    %s: %s, last saved in %s\n", app.AppKey, e.paint(sgrYellow, "missing"), app.Point)
	}
	fmt.Fprintln(e.Out)

	t := e.newTable(coverageColumns...)
	for _, c := range loaded.Coverage.Types {
		state := coloured(sgrGreen, "complete")
		if !c.Whole() {
			state = coloured(sgrYellow, "incomplete: "+oneLine(c.Hole()))
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

// originText says of state that was taken over whence it is.
func originText(app appbur.AppState) string {
	if app.From == nil {
		return ""
	}
	return fmt.Sprintf(", as it was in %s, %s", app.From.Point, app.From.Created.Format(time.RFC3339))
}

// restoredTo are the clusters that a point was restored to from this copy.
func restoredTo(c chosen) ([]repository.Restored, error) {
	list, err := c.repo.Restores()
	if err != nil {
		return nil, err
	}
	of := []repository.Restored{}
	for _, r := range list {
		if r.Point == c.ref.ID {
			of = append(of, r)
		}
	}
	return of, nil
}

// takenText says when a point was read: a moment, or from when to when.
func takenText(p appbur.RestorePoint) string {
	started, ended := p.Started.Format(time.RFC3339), p.Ended.Format(time.RFC3339)
	if started == ended {
		return started
	}
	return started + " to " + ended
}
