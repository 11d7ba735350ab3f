package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/drillreport"
	"github.com/appbur/appbur/internal/metrics"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/schedule"
	"github.com/appbur/appbur/pkg/restore"
)

// addDrillFlags adds the flags that say when a daemon drills. Their values come with the configuration (runflags.go).
func addDrillFlags(command *cobra.Command) {
	f := command.Flags()
	f.String("drill-schedule", "", "drill the newest restore point when this `CRON` expression is due, such as 0 5 * * 0 (docs/drill.md)")
	f.String("drill-zone", "", "time `ZONE` of --drill-schedule, for example Europe/Berlin (default: UTC)")
	f.String("drill-kubernetes", "", "`VERSION` of the control plane that a drill starts, such as 1.37")
	f.String("drill-servers", "", "`DIR` with its programs, as --servers of appbur drill")
	f.String("drill-kubeconfig", "", "kubeconfig `FILE` of an empty cluster that a drill restores into instead")
	f.String("drill-file", "", "YAML `FILE` with commands that start applications, and checks")
	f.Bool("drill-allow-blocked", false, "drill although the target cannot take some objects")
}

// scheduledDrills drills beside a daemon, and measures what drills there are, whoever made them.
type scheduledDrills struct {
	env     *env
	options *runOptions
	config  configuration.Drills
	// cluster is the one that is saved.
	cluster appbur.Cluster
	log     *slog.Logger
	seen    *metrics.Metrics
	pushed  func()
}

// looksAtDrills is how often the reports are read that others have made, and the schedule is looked at.
const looksAtDrills = time.Minute

// run goes on until ctx ends.
func (s *scheduledDrills) run(ctx context.Context) {
	var due *schedule.Schedule
	if s.config.Schedule != "" {
		var err error
		if due, err = schedule.New(s.config.Spec(), s.cluster.ID); err != nil {
			s.log.Error("no drills are made", "reason", oneLine(err.Error()))
			return
		}
		s.log.Info("the newest restore point is drilled on schedule", "schedule", due.String())
	}
	var tried time.Time
	for {
		last, err := s.look()
		if err != nil {
			s.log.Warn("the reports about drills cannot be read", "reason", oneLine(err.Error()), "hint", hintOf(err))
		}
		if tried.After(last) {
			last = tried
		}
		now := s.env.now()
		if due != nil && err == nil && (last.IsZero() || !due.Next(last).After(now)) {
			tried = now
			s.drill(ctx)
			continue
		}
		if backoff.Sleep(ctx, looksAtDrills) != nil {
			return
		}
	}
}

// look reads the reports and returns when the newest drill began.
func (s *scheduledDrills) look() (time.Time, error) {
	_, reports, _, err := s.options.drills(s.env)
	if err != nil {
		return time.Time{}, err
	}
	list := make([]metrics.Drill, len(reports))
	var last time.Time
	for i, r := range reports {
		list[i] = metrics.Drill{Began: r.Began, Passed: r.Outcome == drillreport.Passed, RecoverySeconds: r.RecoverySeconds}
		if r.Began.After(last) {
			last = r.Began
		}
	}
	s.seen.SetDrills(list)
	return last, nil
}

// drill drills once. The daemon goes on whatever comes out.
func (s *scheduledDrills) drill(ctx context.Context) {
	quiet := *s.env
	quiet.Streams = &Streams{In: s.env.In, Out: io.Discard, Err: io.Discard}
	quiet.silent = true
	report, err := s.request().run(ctx, &quiet)
	switch {
	case ctx.Err() != nil:
	case report != nil && report.Outcome == drillreport.Passed:
		s.log.Info("a drill passed", "drill", report.ID, "restorePoint", string(report.Point.ID), "recoverySeconds", report.RecoverySeconds)
	case report != nil:
		s.log.Error("a drill failed", "drill", report.ID, "restorePoint", string(report.Point.ID), "why", report.Why,
			"hint", "docs/run.md#appburdrillfailed")
	case errors.Is(err, repository.ErrNoPoint):
		s.log.Info("nothing is drilled, because there is no complete restore point yet")
	default:
		s.log.Error("a drill could not be made", "reason", oneLine(err.Error()), "hint", hintOf(err))
	}
	if report != nil {
		s.pushed()
	}
}

// request is the drill that the configuration asks for.
func (s *scheduledDrills) request() *drillOptions {
	o := &drillOptions{file: s.config.File, noPush: true, json: true, trigger: "on schedule"}
	o.restore.point = repository.Latest
	o.restore.repo, o.restore.keys, o.restore.accept = s.options.repo, s.options.keys, s.options.accept
	o.restore.identity, o.restore.fence = s.env.getenv(envIdentity), s.options.fence
	o.restore.ca, o.restore.cert, o.restore.key, o.restore.token = s.options.ca, s.options.cert, s.options.key, s.options.token
	o.restore.kubeconfig, o.restore.appWait = s.config.Kubeconfig, appReadyTimeout
	o.restore.policy.AllowBlocked = s.config.AllowBlocked
	o.restore.dependencies, o.restore.owners = true, string(restore.OwnersInclude)
	switch {
	case s.config.Kubeconfig != "":
	case s.config.Kubernetes != "":
		o.target.kubernetes = s.config.Kubernetes
	default:
		o.target.kubernetes = s.cluster.Version.MinorString()
	}
	if s.config.Servers != "" {
		o.target.servers.dirs = []string{s.config.Servers}
	}
	return o
}
