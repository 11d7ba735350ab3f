package metrics

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
)

// points are the restore points of the repository, as far as metrics say something of them.
type points struct {
	goodTime, confirmed, goodObjects, goodApps, goodHolding, replicated *prometheus.Desc
	lastTime, lastComplete, lastMissing, total, notDurable              *prometheus.Desc
	appSaved, appMissing                                                *prometheus.Desc

	mu   sync.Mutex
	read bool
	// good is the newest that is complete, last the newest of all that count; nil if there is
	// none.
	good, last        *appbur.RestorePoint
	holding, required int
	counts            map[string]int
	// upToDate is the point since which nothing had changed at upToDateAt.
	upToDate   appbur.RestorePointID
	upToDateAt time.Time
	// complete are those that are, newest first. demands says which of them count only when enough remotes hold them, and
	// undurable how many newer ones do not count for that reason.
	complete  []*appbur.RestorePoint
	demands   func(*appbur.RestorePoint) bool
	undurable int
	// apps are those that the newest point holds or should hold.
	apps []savedApp
}

func newPoints(f *families) *points {
	p := &points{}
	p.goodTime = f.described("last_good_point_timestamp_seconds",
		"When the reading of the newest complete and trusted restore point began, 0 if there is none.")
	p.confirmed = f.described("last_good_point_confirmed_timestamp_seconds",
		"When it was last known that nothing has changed since: when its reading began, or a schedule found it up to date.")
	p.replicated = f.described("last_good_point_replicated", "1 if as many remotes as required are known to hold it.")
	p.goodHolding = f.described("last_good_point_remotes", "Remotes that are known to hold it.")
	p.goodObjects = f.described("last_good_point_objects", "Objects in it.")
	p.goodApps = f.described("last_good_point_applications", "Applications whose state is in it.")
	p.lastComplete = f.described("last_point_complete", "1 if the newest trusted restore point is complete, 0 if it is partial or there is none.")
	p.lastTime = f.described("last_point_timestamp_seconds", "When the reading of the newest trusted restore point began, complete or not.")
	p.lastMissing = f.described("last_point_missing_applications", "Applications that the newest restore point should hold and does not.")
	p.appSaved = f.described("application_saved_timestamp_seconds",
		"When the restore point began that the state of the application was exported for last, 0 if that is not known any more.", "application")
	p.appMissing = f.described("application_missing", "1 if the newest restore point should hold the application and does not.", "application")
	p.total = f.described("restore_points", "Restore points of the repository: complete, partial, unreadable or untrusted.", "state")
	p.notDurable = f.described("restore_points_not_durable",
		"Complete restore points newer than the last good one that do not count, because they have to be pushed and too few remotes are known to hold them.")
	f.registry.MustRegister(p)
	return p
}

// Describe implements [prometheus.Collector].
func (p *points) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		p.goodTime, p.confirmed, p.replicated, p.goodHolding, p.goodObjects, p.goodApps, p.lastComplete, p.lastTime, p.lastMissing, p.total,
		p.notDurable, p.appSaved, p.appMissing,
	} {
		out <- d
	}
}

// Collect implements [prometheus.Collector]. Before the points were read once nothing is said of
// them: a zero would be an alarm.
func (p *points) Collect(out chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.read {
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}

	good, last := p.good, p.last
	if good == nil {
		good = &appbur.RestorePoint{}
	}
	gauge(p.goodTime, seconds(good.Started))
	confirmed := good.Started
	if good.ID == p.upToDate && p.upToDateAt.After(confirmed) {
		confirmed = p.upToDateAt
	}
	gauge(p.confirmed, seconds(confirmed))
	gauge(p.goodObjects, float64(good.Objects))
	gauge(p.goodApps, float64(len(good.Apps)))
	gauge(p.goodHolding, float64(p.holding))
	gauge(p.replicated, truth(p.good != nil && p.holding >= p.required))

	gauge(p.lastComplete, truth(last != nil && !last.Partial))
	if last == nil {
		last = &appbur.RestorePoint{}
	}
	gauge(p.lastTime, seconds(last.Started))
	gauge(p.lastMissing, float64(len(last.Missing)))
	gauge(p.notDurable, float64(p.undurable))
	for _, app := range p.apps {
		gauge(p.appSaved, seconds(app.saved), app.key.String())
		gauge(p.appMissing, truth(app.missing), app.key.String())
	}
	for state, n := range p.counts {
		gauge(p.total, float64(n), state)
	}
}

// Confirm notes that nothing has changed since a point.
func (m *Metrics) Confirm(id appbur.RestorePointID, at time.Time) {
	m.points.mu.Lock()
	defer m.points.mu.Unlock()
	m.points.upToDate, m.points.upToDateAt = id, at
}

// set takes what there is, newest first, nil if that is what it was. holding counts the remotes that
// hold a point.
func (p *points) set(c *repository.Catalog, required int, holding func(*appbur.RestorePoint) int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.required = required
	if c != nil {
		p.take(c)
	}
	p.choose(holding)
}

// choose finds the newest point that counts.
func (p *points) choose(holding func(*appbur.RestorePoint) int) {
	p.good, p.holding, p.undurable = nil, 0, 0
	for _, point := range p.complete {
		n := holding(point)
		if p.demands == nil || !p.demands(point) || n >= max(1, p.required) {
			p.good, p.holding = point, n
			return
		}
		p.undurable++
	}
}

// CountWhenReplicated says which points count only when as many remotes as required hold them.
func (m *Metrics) CountWhenReplicated(demands func(*appbur.RestorePoint) bool) {
	m.points.mu.Lock()
	defer m.points.mu.Unlock()
	m.points.demands = demands
}

func (p *points) take(c *repository.Catalog) {
	p.read, p.last, p.complete = true, nil, nil
	p.counts = map[string]int{"complete": 0, "partial": 0, "unreadable": len(c.Unreadable), "untrusted": len(c.Untrusted)}
	for i := range c.Points {
		point := &c.Points[i]
		if p.last == nil {
			p.last = point
		}
		if point.Partial {
			p.counts["partial"]++
			continue
		}
		p.counts["complete"]++
		p.complete = append(p.complete, point)
	}
	p.apps = savedApps(c.Points)
}

// savedApp is an application that the newest point holds, or should hold.
type savedApp struct {
	key     appbur.AppKey
	saved   time.Time
	missing bool
}

// savedApps are the applications of the newest point. Points are sorted newest first.
func savedApps(points []appbur.RestorePoint) []savedApp {
	if len(points) == 0 {
		return nil
	}
	var list []savedApp
	for _, app := range points[0].Apps {
		list = append(list, savedApp{key: app.AppKey, saved: points[0].OriginOf(app).Created})
	}
	known := repository.KnownApps(points, nil)
	for _, app := range points[0].Missing {
		at := slices.IndexFunc(known, func(k repository.KnownApp) bool { return k.AppKey == app.AppKey })
		list = append(list, savedApp{key: app.AppKey, saved: known[at].Taken, missing: true})
	}
	return list
}

// fingerprint changes when the points do. It is never empty.
func fingerprint(refs []repository.PointRef, signers []byte) string {
	text := "signers\n" + string(signers)
	for _, ref := range refs {
		text += fmt.Sprintf("%s %s %d\n", ref.ID, ref.Commit, ref.Tagged.Unix())
	}
	return text
}

// ids are the points of a list.
func ids(refs []repository.PointRef) map[appbur.RestorePointID]bool {
	set := make(map[appbur.RestorePointID]bool, len(refs))
	for _, ref := range refs {
		set[ref.ID] = true
	}
	return set
}
