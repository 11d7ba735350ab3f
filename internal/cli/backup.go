package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/capture"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
)

type backupOptions struct {
	repositoryOptions
	clusterOptions
	appOptions
	guards repository.Guards
	noPush bool
	json   bool

	noMaintain bool
}

func newBackup(e *env) *cobra.Command {
	o := &backupOptions{}
	command := &cobra.Command{
		Use:   "backup",
		Short: "Commit the cluster's manifests and make a restore point",
		Long: `Read every object of the cluster, commit what changed to main, take the state of
the applications named by --app, and make a signed restore point of both.

An application that earlier points hold and that is not named makes the point
partial, until ` + "`appbur apps retire`" + ` says that it is not missed any more.

A cluster that did not change makes no commit on main, but a restore point all
the same. If an application cannot be reached or its export does not arrive
whole, no restore point is made. Afterwards the remotes are brought up to date
(docs/remotes.md), and when enough has gathered the repository is packed together
(docs/backup.md).` +
			exitStatus("0  done", "1  failed, no restore point",
				"3  the restore point is partial: some types could not be read or an application is missing (see `points show`), fewer remotes than required hold it, or its anchor was not written", "5  the history was rewritten (docs/trust.md)",
				"10 no repository", "11 another process writes to the repository", "12 a key or a login was refused"),
		Example: `  appbur backup --repo ./mgmt.git
  appbur backup --repo ./mgmt.git --kubeconfig old.yaml --app fleet-system/fleet=fleet.example:7443 --app-ca ca.pem
  appbur backup --repo ./mgmt.git --app fleet=unix:///run/fleet/contract.sock --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return backupRun(cmd.Context(), e, o) },
	}
	o.repositoryOptions.addFlags(e, command)
	o.clusterOptions.addFlags(command)
	o.appOptions.addFlags(command, "whose state is saved")
	addGuardFlags(command, &o.guards)
	noPushFlag(command, &o.noPush)
	command.Flags().BoolVar(&o.noMaintain, "no-maintain", false, "do not pack the repository together, even if it is due")
	o.addAnchorFlag(e, command, "to write afterwards")
	jsonFlag(command, &o.json)
	return command
}

// backupReport is what `backup --json` prints (docs/json.md).
type backupReport struct {
	Point     appbur.RestorePoint `json:"restorePoint"`
	Commit    string              `json:"commit"`
	Committed bool                `json:"committed"`
	Added     int                 `json:"added"`
	Changed   int                 `json:"changed"`
	Removed   int                 `json:"removed"`
	// Saved counts the objects that were read; Kept those that the point holds beside
	// them, because nothing proves that they are gone.
	Saved    int             `json:"saved"`
	Kept     int             `json:"kept"`
	Excluded int             `json:"excluded"`
	Coverage appbur.Coverage `json:"coverage"`
	Seconds  float64         `json:"seconds"`
	// Replication is nil when nothing was pushed.
	Replication *repository.Replication `json:"replication,omitempty"`
	// Maintenance is nil when none was due.
	Maintenance *maintenanceReport `json:"maintenance,omitempty"`
}

func backupRun(ctx context.Context, e *env, o *backupOptions) error {
	started := e.now()
	// Everything that can be refused is looked at before anything long begins.
	targets, dialer, err := o.applications()
	if err != nil {
		return err
	}
	repo, keys, err := o.writable(e)
	if err != nil {
		return err
	}
	source, err := o.source(ctx, e, repo, nil)
	if err != nil {
		return err
	}

	bar := e.bar("looking at the history", progress.Uncounted)
	defer bar.finish()
	writer, err := repo.Begin(source.cluster, source.rules.Version(), keys, o.guards, e.rand, e.now)
	if err != nil {
		return err
	}
	pointWriter, err := repo.BeginPoint(keys, e.rand, e.now)
	if err != nil {
		return err
	}
	defer pointWriter.Discard()
	bar.finish()

	for _, notice := range pointWriter.Notices() {
		e.warn("%s", oneLine(notice))
	}
	e.warnMissing(pointWriter, targets)
	exports, working := beginExports(ctx, e, targets, dialer, pointWriter, pointWriter.Last())
	var seen capture.Captured
	err = exports.beside(e, func() (err error) {
		seen, err = captureCluster(working, e, source.Exporter, writer, pointWriter.Last().Objects)
		return err
	})
	if err != nil {
		return err
	}

	ended := e.now()
	committing := e.bar("committing", progress.Uncounted)
	defer committing.finish()
	outcome, err := writer.Commit(ctx, started, seen.Coverage)
	if err != nil {
		return err
	}
	if outcome.Unseen != nil {
		e.warn("a later rewrite of this history would not be noticed: %v", outcome.Unseen)
	}
	point, err := pointWriter.Save(ctx, outcome.Commit, repository.PointContent{
		Created: started, Ended: ended, Cluster: source.cluster, Rules: source.rules.Version(), Coverage: seen.Coverage,
		Index: seen.Index, Objects: outcome.Objects, Evidence: seen.Evidence, Overrides: writer.Overrides(), Own: outcome.Own,
	})
	if err != nil {
		return err
	}
	committing.finish()
	if err := pointWriter.Remember(point, e.now()); err != nil {
		e.warn("a later removal of this point by others would not be noticed: %v", err)
	}
	report := backupReport{
		Point: point, Commit: outcome.Commit.String(), Committed: outcome.Committed,
		Added: outcome.Added, Changed: outcome.Changed, Removed: outcome.Removed,
		Coverage: seen.Coverage, Seconds: e.now().Sub(started).Seconds(),
	}
	for _, t := range seen.Coverage.Types {
		report.Excluded += t.Excluded
		if t.Complete {
			report.Saved += t.Saved
		}
	}
	report.Kept = max(0, point.Objects-report.Saved)
	if !o.noPush {
		bar := e.transferBar()
		report.Replication, err = e.replicate(ctx, repo, keys.Dir, bar.report)
		bar.finish()
		if err != nil {
			return err
		}
	}
	if !o.noMaintain {
		report.Maintenance = e.maintainIfDue(ctx, repo)
	}
	if err := e.printBackup(report, o.json); err != nil {
		return err
	}
	if err := o.writeAnchor(e, repo, keys); err != nil {
		return err
	}
	if point.Partial || report.Replication != nil && !report.Replication.Replicated() {
		return errPartly
	}
	return nil
}

// captureCluster runs one pass over the cluster, which had about so many objects last
// time, and warns of what could not be read.
func captureCluster(
	ctx context.Context, e *env, source *exporter.Exporter, writer *repository.Writer, objects int,
) (capture.Captured, error) {
	bar := e.bar("reading the cluster", "objects")
	bar.expect(int64(objects))
	seen, err := capture.Run(ctx, source, writer, func() { bar.add(1) })
	bar.finish()
	if err != nil {
		return capture.Captured{}, err
	}
	for _, h := range holesOf(seen.Coverage) {
		e.warn("%s", h)
	}
	return seen, nil
}

func (e *env) printBackup(r backupReport, asJSON bool) error {
	if asJSON {
		return e.printJSON(r)
	}
	out := e.paragraphs(fieldIndent)
	what := "unchanged, no commit on main"
	if r.Committed {
		what = fmt.Sprintf("commit %.12s: %d added, %d changed, %d removed", r.Commit, r.Added, r.Changed, r.Removed)
	}
	state := e.paint(sgrGreen, "complete")
	if r.Point.Partial {
		state = e.paint(sgrYellow, "PARTIAL")
	}
	fmt.Fprintf(out, "restore point  %s (%s)\nmanifests      %s\nobjects        %s\n",
		e.paint(sgrCyan, string(r.Point.ID)), state, what, objectsText(r.Coverage, r.Point.Objects))

	for _, app := range r.Point.Apps {
		for _, d := range app.Datasets {
			fmt.Fprintf(out, "application    %s %s: %s, schema %s, %s, %s\n",
				app.AppKey, app.Version, d.Name, d.Schema, d.Content(), sizeText(d.Size))
		}
	}

	for _, app := range r.Point.Missing {
		fmt.Fprintf(out, "application    %s: %s, last saved in %s\n", app.AppKey, e.paint(sgrYellow, "MISSING"), app.Point)
	}
	if r.Replication != nil {
		e.printReplication(*r.Replication)
	}
	if m := r.Maintenance; m != nil {
		fmt.Fprintf(out, "maintenance    %d packs, before %d; %s, before %s\n",
			m.PacksAfter, m.PacksBefore, sizeText(m.BytesAfter), sizeText(m.BytesBefore))
	}
	fmt.Fprintf(out, "took           %s\n", time.Duration(r.Seconds*float64(time.Second)).Round(10*time.Millisecond))
	return nil
}
