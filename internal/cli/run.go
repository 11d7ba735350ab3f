package cli

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/capture"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
)

type runOptions struct {
	repositoryOptions
	clusterOptions
	guards repository.Guards
	quiet  time.Duration
	limit  time.Duration
	noPush bool
	json   bool

	maintainAfter int
}

func newRun(e *env) *cobra.Command {
	o := &runOptions{}
	command := &cobra.Command{
		Use:   "run",
		Short: "Watch the cluster and commit changes to main as they happen",
		Long: `Watch the cluster and commit changes to main as they happen, once the cluster has
been quiet for a moment. After a restart or a dropped connection everything is
listed again, so nothing is missed; also when the store of the API server goes back
in time. Another cluster at the same address ends the run. Restore points are made by ` + "`appbur backup`" + `.

Commits are pushed to the remotes as they are made. Commits never wait for a
remote; one that is down is tried again until it has everything.` +
			exitStatus("0  stopped by a signal, everything seen is committed", "1  failed", "5  the history was rewritten (docs/trust.md)",
				"12 a key or a login was refused"),
		Example: `  appbur run --repo ./mgmt.git
  appbur run --repo ./mgmt.git --quiet 5s --json 2>appbur.log`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRun(cmd.Context(), e, o) },
	}
	o.repositoryOptions.addFlags(e, command)
	o.clusterOptions.addFlags(command)
	addGuardFlags(command, &o.guards)
	o.addAnchorFlag(e, command, "to write after each commit")
	command.Flags().DurationVar(&o.quiet, "quiet", 2*time.Second, "commit when nothing has changed for this `LONG`")
	command.Flags().DurationVar(&o.limit, "limit", 15*time.Second, "commit at the latest after this `LONG`, however busy the cluster is")
	command.Flags().IntVar(&o.maintainAfter, "maintain-after", 500,
		"pack the repository together in the background after this `NUMBER` of commits; 0 never does")
	noPushFlag(command, &o.noPush)
	command.Flags().BoolVar(&o.json, "json", false, "log JSON lines instead of text")
	return command
}

func runRun(ctx context.Context, e *env, o *runOptions) error {
	var handler slog.Handler = slog.NewTextHandler(e.Err, nil)
	if o.json {
		handler = slog.NewJSONHandler(e.Err, nil)
	}
	log := slog.New(handler)
	repo, keys, err := o.writable(e)
	if err != nil {
		return err
	}
	source, err := o.source(ctx, e, repo, log)
	if err != nil {
		return err
	}
	writer, err := repo.Begin(source.cluster, source.rules.Version(), keys, o.guards, e.rand, e.now)
	if err != nil {
		return err
	}
	writer.Follow()
	log.Info("watching", "cluster", source.cluster.ID, "kubernetes", source.cluster.Version.String(), "repository", repo.Dir())

	options := daemon.Options{
		Quiet: o.quiet, Limit: o.limit, Now: e.now, Log: log, Hint: hintOf,
		Maintainer: repo, MaintainAfter: o.maintainAfter,
		Forget: func(ctx context.Context, known appbur.Coverage) error {
			_, err := capture.ForgetKinds(ctx, source.Exporter, writer, known)
			return err
		},
	}

	options.Confirm = func(ctx context.Context) error { return sameCluster(ctx, source.Exporter, source.cluster) }
	anchored := o.anchorEach(e, repo, keys, log)
	options.Committed = anchored
	if o.noPush {
		return daemon.Run(ctx, source.Exporter, writer, options)
	}
	pusher := e.pusher(repo, keys.Dir, log)
	options.Committed = func(outcome repository.Outcome) {
		pusher.Want()
		anchored(outcome)
	}

	// It outlives the signal, because the daemon commits once more after it.
	pushing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var beside sync.WaitGroup
	beside.Go(func() { pusher.Run(pushing) })
	pusher.Want() // what an earlier run could not push
	err = daemon.Run(ctx, source.Exporter, writer, options)
	stop()
	beside.Wait()
	return err
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
