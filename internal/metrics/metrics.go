package metrics

import (
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/appbur/appbur/pkg/gitsync"
)

// Metrics are those of one daemon. They are made by [New].
type Metrics struct {
	families
	now func() time.Time

	points  *points
	changes *changes
	kinds   *kinds
	remotes *remotes
	audit   *auditSource
	drills  *drills

	failures *prometheus.CounterVec
	leader   prometheus.Gauge
	up       prometheus.Gauge
	lost     prometheus.Counter
	size     prometheus.Gauge
	packs    prometheus.Gauge
	loose    prometheus.Gauge
	copied   prometheus.Gauge

	// onMain counts what is on main; nil until there is a writer.
	mu     sync.Mutex
	onMain Counter
	// wake has Follow look at the repository at once.
	wake chan struct{}
}

// New returns the metrics of a daemon of a release. now is the clock.
func New(version string, now func() time.Time) *Metrics {
	m := &Metrics{families: families{registry: prometheus.NewRegistry()}, now: now, wake: make(chan struct{}, 1)}
	m.points = newPoints(&m.families)
	m.changes = newChanges(&m.families, now)
	m.remotes = newRemotes(&m.families, now)
	m.kinds = newKinds(&m.families)
	m.audit = newAuditSource(&m.families)
	m.drills = newDrills(&m.families)

	m.failures = m.counters("failures_total", "What failed, by what it was and why.", "operation", "reason")
	for _, r := range reasons {
		m.failures.WithLabelValues(string(r.operation), r.reason)
	}
	m.size = m.gauge("repository_size_bytes", "Size of the repository: packs, indexes and loose objects.")
	m.packs = m.gauge("repository_packs", "Packs of the repository.")
	m.loose = m.gauge("repository_loose_objects", "Objects of the repository that have a file of their own.")
	m.copied = m.gauge("working_copy_ready", "1 when the working copy of the repository is there, 0 while a remote is waited for to clone it.")
	m.copied.Set(1) // who waits says so
	m.up = m.gauge("api_server_up", "1 while the API server answers, 0 from when an outage is noticed until it does again.")
	m.up.Set(1) // a run begins with an answer
	m.lost = m.counter("api_server_connections_lost_total",
		"Connections on which the API server vanished without a word, noticed and replaced.")
	m.leader = m.gauge("leader", "1 if this process is the one that writes, 0 if it stands by.")
	m.leader.Set(1) // until somebody elects another one
	m.gauges("build_info", "The release of appbur, always 1.", "version", "goversion").WithLabelValues(version, runtime.Version()).Set(1)

	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// SetLeader says whether this process is the one that writes. One that is not gathers nothing.
func (m *Metrics) SetLeader(is bool) {
	m.leader.Set(truth(is))
	if !is {
		m.changes.gathered(0)
	}
}

// SetWorkingCopy says whether the working copy of the repository is there.
func (m *Metrics) SetWorkingCopy(is bool) { m.copied.Set(truth(is)) }

// FetchFailed counts a remote that could not be asked what it has.
func (m *Metrics) FetchFailed(state gitsync.RemoteState) { m.fail(fetching, label(string(state))) }

// Gatherer is where the samples come from.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Families are the metrics of appbur itself, in the order of docs/metrics.md.
func (m *Metrics) Families() []Family { return m.list }

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError, EnableOpenMetrics: true})
}

// fail counts a failure.
func (m *Metrics) fail(o operation, reason string) {
	m.failures.WithLabelValues(string(o), known(o, reason)).Inc()
}

// look has Follow look at the repository soon.
func (m *Metrics) look() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}
