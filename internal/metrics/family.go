package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "appbur_"

// Family is what docs/metrics.md says of one metric.
type Family struct {
	// Type is gauge, counter or histogram.
	Name, Type string
	Labels     []string
	Help       string
}

// families makes metrics, registers them and keeps what they are.
type families struct {
	registry *prometheus.Registry
	list     []Family
}

func (f *families) note(kind, name, help string, labels []string) string {
	f.list = append(f.list, Family{Name: namespace + name, Type: kind, Labels: labels, Help: help})
	return namespace + name
}

func (f *families) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: f.note("gauge", name, help, nil), Help: help})
	f.registry.MustRegister(g)
	return g
}

func (f *families) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: f.note("gauge", name, help, labels), Help: help}, labels)
	f.registry.MustRegister(g)
	return g
}

// computed is a gauge that is worked out when it is scraped.
func (f *families) computed(name, help string, value func() float64) {
	f.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Name: f.note("gauge", name, help, nil), Help: help}, value))
}

func (f *families) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: f.note("counter", name, help, nil), Help: help})
	f.registry.MustRegister(c)
	return c
}

func (f *families) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: f.note("counter", name, help, labels), Help: help}, labels)
	f.registry.MustRegister(c)
	return c
}

// durations is a native histogram, and a classic one for who scrapes text.
func (f *families) durations(name, help string) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: f.note("histogram", name, help, nil), Help: help,
		Buckets:                         []float64{0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900},
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	})
	f.registry.MustRegister(h)
	return h
}

// described is a gauge that a collector of this package computes.
func (f *families) described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(f.note("gauge", name, help, labels), help, labels, nil)
}

// seconds is a time as Prometheus has it, 0 for none.
func seconds(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return float64(at.UnixMilli()) / 1000
}

// truth is 1 or 0.
func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
