package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/apps/services"
	"github.com/appbur/appbur/internal/backup"
	"github.com/appbur/appbur/internal/repository"
)

type backupOptions struct {
	repositoryOptions
	clusterOptions
	appOptions
	finding labelOptions
	guards  repository.Guards
	noPush  bool
	json    bool

	noMaintain bool
	durabilityOptions
	// daemon says that a daemon is to make the point, and which.
	daemon daemonOptions
}

func newBackup(e *env) *cobra.Command {
	o := &backupOptions{}
	command := &cobra.Command{
		Use:   "backup",
		Short: "Commit the cluster's manifests and make a restore point",
		Long: `Read every object of the cluster, commit what changed to main, take the state of
the applications named by --app, or found with --find-apps, and make a signed
restore point of both.

An application that earlier points hold and that is not saved makes the point
partial, until ` + "`appbur apps retire`" + ` says that it is not missed any more.

A cluster that did not change makes no commit on main, but a restore point all
the same. If an application cannot be reached or its export does not arrive
whole, no restore point is made. Afterwards the remotes are brought up to date
(docs/remotes.md), and when enough has gathered the repository is packed together
(docs/backup.md).

With --in-cluster the daemon of the cluster makes the point, as it makes those of its
schedules, and this command waits for it. It asks by an annotation on the Lease of the
daemon, so it takes no repository and no keys, but the right to change that Lease
(docs/run.md).` +
			exitStatus("0  done", "1  failed, no restore point",
				"3  the restore point is partial: some types could not be read or an application is missing (see `points show`), fewer remotes than required hold it, or its anchor was not written", "5  the history was rewritten (docs/trust.md)",
				"10 no repository, or no Lease to ask at", "11 another process writes to the repository", "12 a key or a login was refused"),
		Example: `  appbur backup --repo ./mgmt.git
  appbur backup --repo ./mgmt.git --kubeconfig old.yaml --app fleet-system/fleet=fleet.example:7443 --app-ca ca.pem
  appbur backup --repo ./mgmt.git --app fleet=unix:///run/fleet/contract.sock --json
  appbur backup --in-cluster`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.daemon.check(cmd.Flags()); err != nil {
				return err
			}
			if o.daemon.inCluster {
				return o.askDaemon(cmd.Context(), e)
			}
			return backupRun(cmd.Context(), e, o)
		},
	}
	o.repositoryOptions.addFlags(e, command)
	o.clusterOptions.addFlags(command)
	o.appOptions.addFlags(command, "whose state is saved")
	o.finding.addFlags(command)
	addGuardFlags(command, &o.guards)
	noPushFlag(command, &o.noPush)
	command.Flags().BoolVar(&o.noMaintain, "no-maintain", false, "do not pack the repository together, even if it is due")
	o.addAnchorFlag(e, command, "to write afterwards")
	o.addDurabilityFlag(command)
	o.daemon.addFlags(command)
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
	// Durability is nil for a point that counts wherever it is.
	Durability *durabilityReport `json:"durability,omitempty"`
	// Maintenance is nil when none was due.
	Maintenance *maintenanceReport `json:"maintenance,omitempty"`
}

func backupRun(ctx context.Context, e *env, o *backupOptions) error {
	// Everything that can be refused is looked at before anything long begins.
	targets, dialer, err := o.applications()
	if err != nil {
		return err
	}
	dialer.Programs = e.programs(o.restConfig, nil)
	repo, keys, err := o.writable(e)
	if err != nil {
		return err
	}
	mustBePushed, err := o.pushes(repo, o.noPush)
	if err != nil {
		return err
	}
	source, err := o.source(ctx, e, repo, nil, nil, nil)
	if err != nil {
		return err
	}

	targets, err = o.labelled(ctx, e, targets)
	if err != nil {
		return err
	}

	maker := source.maker(e, repo, keys)
	maker.Guards, maker.Dialer = o.guards, dialer
	made, err := maker.Make(ctx, backup.Request{Apps: targets})
	if err != nil {
		return err
	}
	report := backupReport{
		Point: made.Point, Commit: made.Outcome.Commit.String(), Committed: made.Outcome.Committed,
		Added: made.Outcome.Added, Changed: made.Outcome.Changed, Removed: made.Outcome.Removed,
		Saved: made.Saved, Kept: made.Kept, Excluded: made.Excluded, Coverage: made.Coverage, Seconds: e.now().Sub(made.Started).Seconds(),
	}
	if !o.noPush {
		bar := e.transferBar()
		push := func(ctx context.Context) (*repository.Replication, error) {
			return e.replicate(ctx, repo, keys.Dir, bar.report)
		}
		if mustBePushed {
			report.Replication, report.Durability, err = e.replicateDurably(ctx, push)
		} else {
			report.Replication, err = push(ctx)
		}
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
	if made.Point.Partial || report.Replication != nil && !report.Replication.Replicated() ||
		report.Durability != nil && !report.Durability.Durable {
		return errPartly
	}
	return nil
}

// labelled adds the applications that are found in the cluster.
func (o *backupOptions) labelled(ctx context.Context, e *env, named []apps.Target) ([]apps.Target, error) {
	config, err := o.restConfig()
	if err != nil {
		return nil, err
	}
	return o.finding.add(ctx, config, named, func(app services.Looked) {
		e.warnWithHint(fmt.Sprintf("the application %s is not saved: %s", app.AppKey, oneLine(app.Err.Error())), appbur.HintOf(app.Err))
	})
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
		if app.From != nil { // a daemon made it
			fmt.Fprintf(out, "application    %s: as in %s\n", app.AppKey, app.From.Point)
			continue
		}
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
	if d := r.Durability; d != nil {
		state := e.paint(sgrGreen, "the point counts: it is pushed")
		if !d.Durable {
			state = e.paint(sgrYellow, "NOT DURABLE") + ", so the point does not count yet: " + d.Reason
		}
		fmt.Fprintf(out, "durability     %s\n", state)
	}
	if m := r.Maintenance; m != nil {
		fmt.Fprintf(out, "maintenance    %d packs, before %d; %s, before %s\n",
			m.PacksAfter, m.PacksBefore, sizeText(m.BytesAfter), sizeText(m.BytesBefore))
	}
	fmt.Fprintf(out, "took           %s\n", time.Duration(r.Seconds*float64(time.Second)).Round(10*time.Millisecond))
	return nil
}
