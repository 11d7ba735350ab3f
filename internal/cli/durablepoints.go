package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/metrics"
	"github.com/appbur/appbur/internal/repository"
)

// errNotDurable means that a restore point is made, and on fewer remotes than it has to be on.
var errNotDurable = errors.New("the restore point is not durable")

// oneAtATime has pushes wait for one another: two of one process would find that somebody else was faster.
func oneAtATime(push metrics.Push) metrics.Push {
	turn := make(chan struct{}, 1)
	return func(ctx context.Context) (*repository.Replication, error) {
		select {
		case turn <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		defer func() { <-turn }()
		return push(ctx)
	}
}

// notDurable returns why a point is not where it has to be after a push. Without a remote nothing is.
func notDurable(done *repository.Replication) error {
	if done == nil {
		return appbur.WithHint(fmt.Errorf("%w: there is no remote", errNotDurable), "add one with `appbur remotes add`, or pass --remote to run")
	}
	required := max(1, done.Required)
	if done.Holding >= required {
		return nil
	}
	var why []string
	var first error
	for _, r := range done.Remotes {
		if r.Err() != nil {
			why = append(why, r.Remote+" is "+string(r.State))
			if first == nil {
				first = r.Err()
			}
		}
	}
	return appbur.WithHint(fmt.Errorf("%w: %d of %d remotes hold it: %s", errNotDurable, done.Holding, required, strings.Join(why, ", ")),
		hintOf(first))
}

// replicate pushes for the sake of a point that counts only when it is pushed.
func (s *scheduledPoints) replicate(ctx context.Context) error {
	done, err := s.push(ctx)
	if err != nil {
		return err
	}
	return notDurable(done)
}

// replicateAgain is replicate for a point that waited, and what was left for later because it did.
func (s *scheduledPoints) replicateAgain(ctx context.Context, _ appbur.RestorePointID) error {
	if err := s.replicate(ctx); err != nil {
		return err
	}
	repo, _, err := s.options.writable(s.env)
	if err != nil {
		return err
	}
	s.prune(ctx, repo)
	s.pushed()
	return nil
}

// unsure is the newest point, if points have to be pushed: an earlier run may have ended before it was.
func (s *scheduledPoints) unsure(points []appbur.RestorePoint) appbur.RestorePointID {
	for _, point := range points {
		if s.live.points().MustBePushed(point.Schedules) {
			return point.ID
		}
	}
	return ""
}

// demandsOf is which points count for metrics only when they are pushed.
func (l *liveSettings) demandsOf() func(*appbur.RestorePoint) bool {
	return func(point *appbur.RestorePoint) bool { return l.points().MustBePushed(point.Schedules) }
}

// durabilityOptions say where the point of a backup has to be.
type durabilityOptions struct{ durability string }

func (o *durabilityOptions) addDurabilityFlag(command *cobra.Command) {
	command.Flags().StringVar(&o.durability, "durability", string(configuration.DurableLocal),
		"where the restore point has to be to count as made: local, or `pushed`, on as many remotes as required; then pushes are tried again")
}

// pushes reports whether the point has to be pushed, and refuses what cannot be.
func (o *durabilityOptions) pushes(repo *repository.Repository, noPush bool) (bool, error) {
	switch configuration.Durability(o.durability) {
	case configuration.DurableLocal:
		return false, nil
	case configuration.DurablePushed:
	default:
		return false, &usageError{appbur.WithHint(fmt.Errorf("--durability: %q is no durability", o.durability), "pass local or pushed")}
	}
	if noPush {
		return false, &usageError{appbur.WithHint(errors.New("a point that has to be pushed cannot be made with --no-push"),
			"leave one of them out")}
	}
	remotes, err := repo.Remotes()
	if err == nil && len(remotes) == 0 {
		err = &usageError{appbur.WithHint(errors.New("a point that has to be pushed cannot be made without a remote"),
			"add one with `appbur remotes add`, or pass --durability local")}
	}
	return true, err
}

// durabilityReport is what `backup --durability pushed` says of it (docs/json.md).
type durabilityReport struct {
	Wanted  configuration.Durability `json:"wanted"`
	Durable bool                     `json:"durable"`
	// Reason is why it is not.
	Reason string `json:"reason,omitempty"`
}

const (
	// durableTries is how often a backup pushes for the sake of a point that has to be pushed.
	durableTries = 4
)

var durableBackoff = backoff.Backoff{First: time.Second, Most: 4 * time.Second}

// replicateDurably pushes until a point counts, some times. What remotes do is in the results; an error is about this
// side.
func (e *env) replicateDurably(ctx context.Context, push metrics.Push) (*repository.Replication, *durabilityReport, error) {
	report := &durabilityReport{Wanted: configuration.DurablePushed}
	for failures := 0; ; failures++ {
		done, err := push(ctx)
		if err != nil {
			return done, report, err
		}
		reason := notDurable(done)
		if reason == nil {
			report.Durable, report.Reason = true, ""
			return done, report, nil
		}
		report.Reason = reason.Error()
		if failures+1 == durableTries {
			return done, report, nil
		}
		e.say("%s; it is pushed again", oneLine(report.Reason))
		if err := backoff.Sleep(ctx, durableBackoff.Delay(failures)); err != nil {
			return done, report, err
		}
	}
}
