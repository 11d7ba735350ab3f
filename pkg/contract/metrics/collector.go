package metrics

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/codes"

	"github.com/appbur/appbur/pkg/contract"
)

// Collector counts what one server does. It is made by [New].
type Collector struct {
	ended    *prometheus.CounterVec
	inFlight *prometheus.GaugeVec
	seconds  *prometheus.SummaryVec
	bytes    *prometheus.CounterVec
	rows     *prometheus.CounterVec
	success  *prometheus.GaugeVec

	// operations lists what the server holds; nil until there is a server.
	operations atomic.Pointer[func() []contract.Operation]
	exposition http.Handler
}

var (
	_ contract.Metrics     = (*Collector)(nil)
	_ prometheus.Collector = (*Collector)(nil)
	_ http.Handler         = (*Collector)(nil)
)

const namespace = "appbur_contract"

// operationsDesc describes the one metric that is not counted but looked up.
var operationsDesc = prometheus.NewDesc(namespace+"_operations", "Operations that run or wait for a resume.",
	[]string{"kind", "state"}, nil)

// New returns a collector for one server.
func New() *Collector {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}

	c := &Collector{
		ended:    counter("calls_total", "Calls that ended.", "call", "code", "reason"),
		inFlight: gauge("calls_in_flight", "Calls under way.", "call"),
		seconds: prometheus.NewSummaryVec(prometheus.SummaryOpts{
			Namespace: namespace, Name: "call_seconds", Help: "How long ended calls took.",
		}, []string{"call"}),
		bytes:   counter("payload_bytes_total", "Payload sent by exports and received by imports.", "kind"),
		rows:    counter("rows_total", "Rows sent by exports and applied by imports.", "kind"),
		success: gauge("last_success_timestamp_seconds", "When the last operation succeeded.", "kind"),
	}

	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	c.exposition = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return c
}

// ServeHTTP answers a scrape.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	c.exposition.ServeHTTP(w, r)
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, counted := range c.counted() {
		counted.Describe(out)
	}
	out <- operationsDesc
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	for _, counted := range c.counted() {
		counted.Collect(out)
	}
	c.collectOperations(out)
}

// counted are the metrics that count by themselves.
func (c *Collector) counted() []prometheus.Collector {
	return []prometheus.Collector{c.ended, c.inFlight, c.seconds, c.bytes, c.rows, c.success}
}

// collectOperations looks up what the server holds. States that nothing is in are shown
// too, so that an alert sees the zero.
func (c *Collector) collectOperations(out chan<- prometheus.Metric) {
	operations := c.operations.Load()
	if operations == nil {
		return
	}

	type group struct{ kind, state string }
	counts := map[group]int{
		{"export", "running"}: 0, {"export", "suspended"}: 0,
		{"import", "running"}: 0, {"import", "suspended"}: 0,
	}
	for _, op := range (*operations)() {
		if _, shown := counts[group{op.Kind, op.State}]; shown {
			counts[group{op.Kind, op.State}]++
		}
	}

	for g, n := range counts {
		out <- prometheus.MustNewConstMetric(operationsDesc, prometheus.GaugeValue, float64(n), g.kind, g.state)
	}
}

// Serving implements [contract.Metrics].
func (c *Collector) Serving(operations func() []contract.Operation) { c.operations.Store(&operations) }

// CallBegan implements [contract.Metrics].
func (c *Collector) CallBegan(call string) { c.inFlight.WithLabelValues(call).Inc() }

// CallEnded implements [contract.Metrics].
func (c *Collector) CallEnded(call string, code codes.Code, reason contract.Reason, took time.Duration) {
	c.inFlight.WithLabelValues(call).Dec()
	c.seconds.WithLabelValues(call).Observe(took.Seconds())
	c.ended.WithLabelValues(call, code.String(), string(reason)).Inc()
}

// Transferred implements [contract.Metrics].
func (c *Collector) Transferred(kind string, bytes, rows int64) {
	c.bytes.WithLabelValues(kind).Add(float64(bytes))
	c.rows.WithLabelValues(kind).Add(float64(rows))
}

// Succeeded implements [contract.Metrics].
func (c *Collector) Succeeded(kind string, at time.Time) {
	c.success.WithLabelValues(kind).Set(float64(at.UnixMilli()) / 1000)
}
