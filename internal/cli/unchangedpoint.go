package cli

import (
	"context"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/backup"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
)

// marks are what applications said of their state before a point was made; see [apps.Mark]. One that is not asked for its
// state has none.
type marks map[appbur.AppKey]string

// savedMarks are the marks that applications had when their state was saved, and the point that it was saved for.
type savedMarks map[appbur.AppKey]savedMark

type savedMark struct {
	mark  string
	point appbur.RestorePointID
}

// keep notes the marks of what a point saved.
func (m *savedMarks) keep(point appbur.RestorePoint, now marks) {
	if *m == nil {
		*m = savedMarks{}
	}
	for _, app := range point.Apps {
		if app.From == nil {
			(*m)[app.AppKey] = savedMark{now[app.AppKey], point.ID}
		}
	}
}

// marks asks the applications that the point would ask for their state, unless it is made in any case. One that does not
// answer has an empty mark: the export will tell.
func (s *scheduledPoints) marks(ctx context.Context, dialer apps.Dialer, request backup.Request) marks {
	now := marks{}
	if s.live.points().EvenUnchanged {
		return now
	}
	for _, target := range request.Apps {
		if !request.Asks(target.AppKey) {
			continue
		}
		mark, err := apps.Mark(ctx, dialer, target)
		if err != nil {
			s.log.Debug("whether an application has changed is not known", "app", target.String(), "reason", err.Error())
		}
		now[target.AppKey] = mark
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
	return points[0].ID, sameAsNow(points[0], source, main.String(), request.Schedules) &&
		s.last.same(points[0], now, request)
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

// same reports whether a point holds the applications that there are now, and those that are asked with the state that
// they have.
func (m savedMarks) same(point appbur.RestorePoint, now marks, request backup.Request) bool {
	held := map[appbur.AppKey]bool{}
	for _, app := range point.Apps {
		held[app.AppKey] = true
		if !request.Asks(app.AppKey) {
			continue
		}
		saved := savedMark{now[app.AppKey], point.OriginOf(app).Point}
		if saved.mark == "" || m[app.AppKey] != saved {
			return false
		}
	}
	return !slices.ContainsFunc(request.Apps, func(target apps.Target) bool { return !held[target.AppKey] })
}
