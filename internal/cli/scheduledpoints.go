package cli

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/announce"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/apps/services"
	"github.com/appbur/appbur/internal/backup"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/leader"
	"github.com/appbur/appbur/internal/metrics"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/schedule"
)

// addScheduleFlags adds the flags that say when a daemon makes restore points. Their values come with the
// configuration (runflags.go).
func addScheduleFlags(command *cobra.Command) {
	f := command.Flags()
	f.StringArray("schedule", nil, "make a restore point when this cron expression `[NAME=]CRON` is due, such as nightly=30 2 * * *; repeatable")
	f.String("schedule-zone", "", "time `ZONE` of the schedules, for example Europe/Berlin (default: UTC)")
	f.Duration("schedule-jitter", 0, "be up to so `LONG` later, each cluster by its own share, so that not all come at once")
	f.Bool("even-unchanged", false, "make a scheduled point also when nothing has changed since the last one of the schedule")
	f.String("durability", string(configuration.DurableLocal),
		"where a restore point has to be to count as made: local, or `pushed`, on as many remotes as required")
	f.Bool("no-prune", false, "do not follow the retention policy of appbur.yaml after a scheduled point")
}

// obeyApps takes which applications restore points hold.
func (o *runOptions) obeyApps(apps configuration.Apps) {
	o.finding.find, o.finding.commands = apps.Find, nil
	for _, in := range apps.Commands {
		o.finding.commands = append(o.finding.commands, in.Namespace)
	}
	o.ca, o.cert, o.key, o.token, o.insecure = apps.CA, apps.Cert, apps.Key, apps.TokenFile, apps.Insecure
	o.targets = nil
	for _, app := range apps.Named {
		o.targets = append(o.targets, app.Name+"="+app.Address)
	}
}

// scheduledPoints makes the restore points of a daemon.
type scheduledPoints struct {
	env     *env
	options *runOptions
	first   sourceCluster
	log     *slog.Logger
	live    *liveSettings
	// pushed asks for a push, push makes one and waits for it.
	pushed func()
	push   metrics.Push
	// seen is what the daemon knows of the cluster, and measures.
	seen *observed
	// elector is nil where nobody can ask for a point.
	elector *leader.Elector
	// announced hears what became of each point.
	announced *announce.Announcer
	// last are the marks of the applications when their state was saved last, here; see [apps.Mark].
	last savedMarks
}

// beside makes points while other work goes on. Both end with the other work, and when ctx ends.
func (s *scheduledPoints) beside(ctx context.Context, specs []schedule.Spec, work func(context.Context) error) error {
	if len(specs) == 0 {
		if s.options.finding.find || len(s.options.targets) > 0 {
			s.log.Warn("no application is saved unless somebody asks for a restore point, because there is no schedule",
				"hint", "set points.schedules, or pass --schedule CRON")
		}
		if s.elector == nil {
			return work(ctx)
		}
	}
	points, err := s.points(specs)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { points.Run(ctx) })
	if s.elector != nil {
		beside.Go(func() { s.answerRequests(ctx, points) })
	}
	defer beside.Wait()
	defer stop()
	return work(ctx)
}

// points returns what makes restore points on schedule.
func (s *scheduledPoints) points(specs []schedule.Spec) (*daemon.Points, error) {
	list := make([]*schedule.Schedule, len(specs))
	for i, spec := range specs {
		var err error
		if list[i], err = schedule.New(spec, s.first.cluster.ID); err != nil {
			return nil, &usageError{err}
		}
		s.log.Info("restore points are made on schedule", "schedule", list[i].String())
	}
	made, unsure, err := s.made()
	if err != nil {
		return nil, err
	}
	return daemon.NewPoints(daemon.PointOptions{
		Schedules: list, Made: made, Make: announcePoints(s.announced, s.make), Replicate: s.replicateAgain, Unsure: unsure,
		Now: s.env.now, Log: s.log, Hint: hintOf,
	}), nil
}

// made is when the newest point of each schedule was made, and the newest that may not be where it has to be.
func (s *scheduledPoints) made() (map[string]time.Time, appbur.RestorePointID, error) {
	repo, keys, err := s.options.writable(s.env)
	if err != nil {
		return nil, "", err
	}
	points, err := repo.OwnPoints(keys)
	if err != nil {
		return nil, "", err
	}
	made := map[string]time.Time{}
	for _, point := range points {
		for _, name := range point.Schedules {
			if point.Created.After(made[name]) {
				made[name] = point.Created
			}
		}
	}
	return made, s.unsure(points), nil
}

// make makes one point, as `appbur backup` does, in a repository that is opened anew: what was
// committed and configured since counts.
func (s *scheduledPoints) make(ctx context.Context, due []string) (daemon.PointMade, error) {
	o := s.options
	repo, keys, err := o.writable(s.env)
	if err != nil {
		return daemon.PointMade{}, err
	}
	source, err := o.source(ctx, s.env, repo, s.log, nil, nil)
	if err != nil {
		return daemon.PointMade{}, err
	}
	if err := sameCluster(ctx, source.Exporter, s.first.cluster); err != nil {
		return daemon.PointMade{}, err
	}
	request, dialer, err := s.request(ctx, due)
	if err != nil {
		return daemon.PointMade{}, err
	}

	now := s.marks(ctx, dialer, request)
	if id, same := s.unchanged(repo, keys, source, request, now); same {
		done := daemon.PointMade{ID: id, Unchanged: true}
		if s.live.points().MustBePushed(due) {
			done.Unreplicated = s.replicate(ctx)
			done.Replicated = done.Unreplicated == nil
		}
		if done.Unreplicated == nil {
			s.seen.metrics.Confirm(id, s.env.now())
		}
		return done, nil
	}

	maker := source.maker(s.env, repo, keys)
	maker.Guards, maker.Dialer, maker.Observer = s.live.guards(), dialer, pointLog{s.log}
	made, err := maker.Make(ctx, request)
	if err != nil {
		return daemon.PointMade{}, err
	}
	s.last.keep(made.Point, now)
	anchorEach(s.env, s.live.anchor, repo, keys, s.log)(made.Outcome)
	done := daemon.PointMade{ID: made.Point.ID, Partial: made.Point.Partial}
	for _, app := range made.Point.Missing {
		done.Missing = append(done.Missing, app.AppKey)
	}
	if s.live.points().MustBePushed(due) {
		done.Unreplicated = s.replicate(ctx)
		done.Replicated = done.Unreplicated == nil
	}
	if done.Unreplicated == nil { // what remotes hold may be all that is left
		s.prune(ctx, repo)
	}
	s.pushed()
	s.maintain(ctx, repo)
	return done, nil
}

// request says what the point is to hold.
func (s *scheduledPoints) request(ctx context.Context, due []string) (backup.Request, apps.Dialer, error) {
	targets, dialer, err := s.options.applications()
	if err != nil {
		return backup.Request{}, apps.Dialer{}, err
	}
	config, err := s.options.restConfig()
	if err != nil {
		return backup.Request{}, apps.Dialer{}, err
	}
	dialer.Programs = s.env.programs(s.options.restConfig, nil)
	points := s.live.points()
	own := map[appbur.AppKey][]string{}
	asks := func(key appbur.AppKey) bool { return points.Asks(due, key, own[key]) }

	targets, err = s.options.finding.add(ctx, config, targets, func(app services.Looked) {
		own[app.AppKey] = app.Schedules
		if asks(app.AppKey) {
			s.log.Warn("an application cannot be saved now", "app", app.String(), "reason", app.Err.Error(), "hint", appbur.HintOf(app.Err))
		}
	})
	for _, target := range targets {
		own[target.AppKey] = target.Schedules
		if unknown := points.Unknown(target.Schedules); len(unknown) > 0 {
			s.log.Warn("an application wants to be asked by a schedule that there is not", "app", target.String(),
				"schedules", strings.Join(unknown, ", "), "hint", "correct the annotation "+services.AnnotationSchedules+" of its Service")
		}
	}
	return backup.Request{Apps: targets, Asks: asks, Schedules: due}, dialer, err
}

// prune follows the retention policy. What goes wrong is told and takes no point back.
func (s *scheduledPoints) prune(ctx context.Context, repo *repository.Repository) {
	o := s.options
	if !s.live.points().Prune || repo.Config().Retention == nil {
		return
	}
	deleted, err := o.pruneByPolicy(ctx, s.env, repo)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		s.log.Warn("no restore point was pruned", "reason", err.Error(), "hint", hintOf(err))
	case len(deleted) > 0:
		s.log.Info("pruned restore points", "count", len(deleted), "oldest", deleted[len(deleted)-1])
	}
}

// pruneByPolicy deletes the points that the policy in appbur.yaml lets go. It does so only if
// somebody trusted has signed that policy.
func (o *repositoryOptions) pruneByPolicy(ctx context.Context, e *env, repo *repository.Repository) ([]appbur.RestorePointID, error) {
	trusted, err := o.signers(e, repo)
	if err != nil {
		return nil, err
	}
	if len(trusted) == 0 {
		return nil, repository.NobodyTrusted()
	}
	if err := o.policyProblem(e, repo); err != nil {
		return nil, err
	}
	policy, err := repo.Config().Retention.Check()
	if err != nil {
		return nil, err
	}
	all, err := repo.Catalog(trusted)
	if err != nil {
		return nil, err
	}

	gone := removable(policy.Decide(all.Points))
	if len(gone) == 0 {
		return nil, nil
	}
	return gone, repo.DeletePoints(ctx, gone, trusted, false)
}

// maintain packs the repository together if that is due.
func (s *scheduledPoints) maintain(ctx context.Context, repo *repository.Repository) {
	report, err := repo.MaintainIfDue(ctx, s.env.now(), nil)
	switch {
	case ctx.Err() != nil:
	case err != nil && !errors.Is(err, context.Canceled):
		s.log.Warn("maintenance of the repository failed; it is tried again later", "reason", err.Error(), "hint", hintOf(err))
	case report != nil:
		s.log.Info("maintained the repository", "packs", report.PacksAfter, "packsBefore", report.PacksBefore,
			"bytes", report.BytesAfter, "bytesBefore", report.BytesBefore)
	}
}
