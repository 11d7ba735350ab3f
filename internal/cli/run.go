package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/internal/capture"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/leader"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
)

type runOptions struct {
	repositoryOptions
	clusterOptions
	appOptions
	finding     labelOptions
	config      string
	printConfig bool
}

func newRun(e *env) *cobra.Command {
	o := &runOptions{}
	command := &cobra.Command{
		Use:   "run",
		Short: "Watch the cluster and commit changes to main as they happen",
		Long: `Watch the cluster and commit changes to main as they happen, once the cluster has
been quiet for a moment. After a restart or a dropped connection everything is
listed again, so nothing is missed; also when the store of the API server goes back
in time. Another cluster at the same address ends the run.

With --schedule it makes restore points as well, as ` + "`appbur backup`" + ` does, of the
applications named by --app or found with --find-apps. A point that was missed is
made once, one that fails is tried again, and afterwards the retention policy of
appbur.yaml is followed (docs/run.md).

Commits are pushed to the remotes as they are made. Commits never wait for a
remote; one that is down is tried again until it has everything.

Of several of them with --leader-elect one writes, as long as it holds a Lease in the
cluster; the others stand by and take over within seconds (docs/run.md).

With --remote the directory of the repository need not be kept: one that is empty is cloned
from the remote, and one that is not is brought up to date before anything is written.

With --config everything can be said in a file, which is read again when it changes and
after the signal HUP. What the command line says holds whatever the file says, and the file
before the environment (docs/configuration.md).` +
			exitStatus("0  stopped by a signal, everything seen is committed", "1  failed", "5  the history was rewritten (docs/trust.md)",
				"12 a key or a login was refused", "64 the command line or the configuration is wrong"),
		Example: `  appbur run --repo ./mgmt.git
  appbur run --config /etc/appbur/appbur.yaml
  appbur run --repo ./mgmt.git --quiet 5s --json 2>appbur.log
  appbur run --repo ./mgmt.git --find-apps --schedule "hourly=0 * * * *" --schedule "nightly=30 2 * * *" --schedule-zone Europe/Berlin`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRun(cmd.Context(), e, o, cmd.Flags()) },
	}
	o.repositoryOptions.addFlags(e, command)
	o.clusterOptions.addFlags(command)
	listenFlag(command)
	addLeaderElectionFlags(command)
	addAuditFlags(command)
	o.appOptions.addFlags(command, "whose state restore points hold")
	o.finding.addFlags(command)
	addScheduleFlags(command)
	addDrillFlags(command)
	addGuardFlags(command, new(repository.Guards))
	addWorkingCopyFlags(command)
	o.addAnchorFlag(e, command, "to write after each commit")
	noPushFlag(command, new(bool))

	// Their values come with the configuration, which has a place for each (runflags.go).
	f := command.Flags()
	f.Duration("quiet", 2*time.Second, "commit when nothing has changed for this `LONG`")
	f.Duration("limit", 15*time.Second, "commit at the latest after this `LONG`, however busy the cluster is")
	f.Int("maintain-after", 500, "pack the repository together in the background after this `NUMBER` of commits; 0 never does")
	f.Bool("json", false, "log JSON lines instead of text")
	f.StringVar(&o.config, "config", "", "YAML `FILE` with settings; it is read again when it changes, and after the signal HUP")
	f.BoolVar(&o.printConfig, "print-config", false, "print a configuration that says the same as this command line, and do nothing else")
	return command
}

// obey takes the settings that are the same from the start to the end.
func (o *runOptions) obey(c configuration.Configuration) {
	o.repo, o.keys = c.Repository.Path, c.Repository.Keys
	o.kubeconfig, o.context = c.Cluster.Kubeconfig, c.Cluster.Context
	o.obeyApps(c.Apps)
}

func runRun(ctx context.Context, e *env, o *runOptions, flags *pflag.FlagSet) error {
	settings, err := settingsOfRun(e, o.config, flags)
	if err != nil {
		return err
	}
	if o.printConfig {
		return settings.print(e)
	}
	hangups, ignore := settings.hangups(e)
	defer ignore()
	o.obey(settings.Value)
	if settings.Value.Log.Format == configuration.LogJSON {
		_ = flags.Set("json", "true") // an error at the end is told as the log is
	}
	format := newLogFormat(e.Err)
	log := slog.New(format)
	live := newLiveSettings(settings.Value, format)
	settings.tell(log)
	if _, _, err := o.applications(); err != nil {
		return err
	}

	if _, err := o.workingCopyOptions(e, settings.Value, log); err != nil {
		return err
	}
	copied := newWorkingCopy()
	seen, err := observe(e, settings.Value.Metrics.Listen, copied, o.trust, log)
	if err != nil {
		return err
	}
	defer seen.stop()
	source, err := newAuditSource(e, settings.Value, log)
	if err != nil {
		return err
	}
	if source.ledger != nil {
		seen.metrics.SetAudit(source.state)
	}
	elector, err := o.elector(e, settings.Value.LeaderElection, seen, log)
	if err != nil {
		return err
	}
	if source.service, err = o.auditService(settings.Value, elector, log); err != nil {
		return err
	}
	if elector != nil {
		source.wanted = elector.Leads
	}
	d := &daemonRun{
		env: e, options: o, settings: settings, hangups: hangups, live: live, seen: seen, copied: copied, elector: elector, log: log,
		overtaking: &overtaking{now: e.now}, ledger: source.ledger,
	}
	defer d.standBy(ctx)()
	return whileLeading(ctx, elector, source.during(d.work))
}

// daemonRun is what a daemon has from its start to its end.
type daemonRun struct {
	env      *env
	options  *runOptions
	settings *runSettings
	hangups  <-chan os.Signal
	live     *liveSettings
	seen     *observed
	copied   *workingCopy
	// elector is nil where this process may write in any case.
	elector *leader.Elector
	// ledger has what audit events prove, nil where none are collected.
	ledger *audit.Ledger
	// late has who made changes that are committed already, nil where there is no ledger. It is of one watch.
	late *daemon.LateFacts
	// overtaking tells the watch that others have written to a remote.
	overtaking *overtaking
	log        *slog.Logger
}

// watchAndCommit keeps the repository equal to the cluster, until ctx ends. All that it writes with is made anew, because
// another process may have written since this one did.
func (d *daemonRun) watchAndCommit(ctx context.Context) error {
	e, o, settings, live, seen, log := d.env, d.options, d.settings, d.live, d.seen, d.log
	e.paceHeap()
	if err := d.settle(ctx); err != nil {
		return unlessStopped(ctx, err)
	}
	repo, keys, err := o.obtain(ctx, e, settings.Value, d.copied, seen, log)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	status, rest := seen.begin()
	defer rest()
	source, err := o.source(ctx, e, repo, log, seen.metrics.Connection(), d.forgetFacts)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	writer, err := repo.Begin(source.cluster, source.rules.Version(), keys, live.guards(), e.rand, e.now)
	if err != nil {
		return err
	}
	writer.Follow()
	tellOfReadOnlyKeys(log, keys.Dir)
	log.Info("watching", "cluster", source.cluster.ID, "kubernetes", source.cluster.Version.String(), "repository", repo.Dir())

	pace := live.pace()
	anchored := anchorEach(e, live.anchor, repo, keys, log)
	announced, quiet := d.announcer(ctx)
	defer quiet()
	push := d.overtaking.noticing(seen.metrics.Pushes(announcePushes(announced, e.replication(repo, keys)), repo.Points))
	push = oneAtATime(push)
	pusher := e.pusher(push, live.pushes, log)
	seen.metrics.CountWhenReplicated(live.demandsOf())
	options := daemon.Options{
		Quiet: pace.Quiet, Limit: pace.Limit, Now: e.now, Log: log, Hint: hintOf, Status: status, First: writer.Empty(),
		Maintainer: repo, MaintainAfter: pace.MaintainAfter, Paces: live.paces,
		Confirm: func(ctx context.Context) error { return sameCluster(ctx, source.Exporter, source.cluster) },
		Forget: func(ctx context.Context, known appbur.Coverage) error {
			_, err := capture.ForgetKinds(ctx, source.Exporter, writer, known)
			return err
		},
		Committed: func(outcome repository.Outcome) {
			pusher.Want()
			anchored(outcome)
		},
	}

	attributing := d.attribute(writer, &options)

	// They outlive the signal, because the daemon commits once more after it.
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { pusher.Run(beside) })
	running.Go(func() { attributing(beside, repo, keys, source.cluster.ID, pusher.Want) })
	pusher.Want() // what an earlier run could not push
	if settings.file != "" {
		running.Go(func() {
			settings.reload(beside, e, d.hangups, log, func(c configuration.Configuration) {
				writer.AllowCollapse(c.Guards.AllowCollapse)
				live.take(beside, c)
				pusher.Want() // for one that did not push before
			})
		})
	}
	drills := &scheduledDrills{
		env: e, options: o, config: settings.Value.Drills, cluster: source.cluster, log: log, seen: seen.metrics, pushed: pusher.Want,
	}
	running.Go(func() { drills.run(beside) })
	points := &scheduledPoints{
		env: e, options: o, first: source, log: log, live: live, pushed: pusher.Want, push: push, seen: seen, elector: d.elector,
		announced: announced,
	}
	return points.beside(ctx, settings.Value.Points.Specs(), func(ctx context.Context) error {
		return daemon.Run(ctx, seen.metrics.Watcher(source.Exporter), seen.metrics.Writer(writer), options)
	})
}

// sameCluster demands that the cluster that answers is the one that was asked first.
// A server that does not answer says nothing about what it said before.
func sameCluster(ctx context.Context, source *exporter.Exporter, first appbur.Cluster) error {
	now, err := source.Cluster(ctx)
	if err != nil || now.ID == first.ID {
		return nil
	}
	return fmt.Errorf("nothing was committed: %w: it was %s and is %s now", exporter.ErrOtherCluster, first.ID, now.ID)
}
