package cli

import (
	"context"
	"maps"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/backup"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
)

// marks are what applications said of their state before a point was made; see [apps.Mark].
type marks struct {
	point appbur.RestorePointID
	apps  map[appbur.AppKey]string
}

// marks asks the applications, unless a point is made in any case. One that does not answer has no mark: the export
// will tell.
func (s *scheduledPoints) marks(ctx context.Context, dialer apps.Dialer, targets []apps.Target) marks {
	now := marks{apps: map[appbur.AppKey]string{}}
	if s.live.points().EvenUnchanged {
		return now
	}
	for _, target := range targets {
		mark, err := apps.Mark(ctx, dialer, target)
		if err != nil {
			s.log.Debug("whether an application has changed is not known", "app", target.String(), "reason", err.Error())
		}
		now.apps[target.AppKey] = mark
	}
	return now
}

// unchanged returns the newest point if one that is due would hold the same: the watch knows of no
// change since, and every application says that its state is the same. A point that somebody asks for is
// always made.
func (s *scheduledPoints) unchanged(repo *repository.Repository, keys *keyring.Keys, source sourceCluster, request backup.Request,
	now marks,
) (appbur.RestorePointID, bool) {
	if len(request.Schedules) == 0 || s.live.points().EvenUnchanged || s.seen.current().Current() != nil {
		return "", false
	}
	points, err := repo.OwnPoints(keys)
	if err != nil || len(points) == 0 {
		return "", false
	}
	main, err := repo.Main()
	if err != nil {
		return "", false
	}
	return points[0].ID, sameAsNow(points[0], source, main.String(), request.Schedules) && s.last.same(points[0], now)
}

// sameAsNow reports whether a point is whole, serves the schedules, and is of the same commit and cluster.
func sameAsNow(point appbur.RestorePoint, source sourceCluster, main string, schedules []string) bool {
	for _, name := range schedules {
		if !slices.Contains(point.Schedules, name) {
			return false
		}
	}
	return !point.Partial && point.Manifests == main && point.Cluster == source.cluster && point.Rules == source.rules.Version()
}

// same reports whether a point holds just the applications that there are now, with the state that they have.
func (m marks) same(point appbur.RestorePoint, now marks) bool {
	if len(point.Apps) != len(now.apps) {
		return false
	}
	if len(point.Apps) == 0 {
		return true
	}
	for _, app := range point.Apps {
		if now.apps[app.AppKey] == "" {
			return false
		}
	}
	return m.point == point.ID && maps.Equal(m.apps, now.apps)
}
