package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Drill is what is measured of a drill.
type Drill struct {
	Began           time.Time
	Passed          bool
	RecoverySeconds float64
}

// drills are the drills of the repository, whoever made them.
type drills struct {
	time, passed, recovery, good *prometheus.Desc

	mu   sync.Mutex
	read bool
	// last is the newest, lastGood when the newest that passed began.
	last     Drill
	lastGood time.Time
}

func newDrills(f *families) *drills {
	d := &drills{
		time:     f.described("last_drill_timestamp_seconds", "When the newest drill of the repository began, 0 for never."),
		passed:   f.described("last_drill_passed", "1 if it passed, 0 if it failed or there is none."),
		recovery: f.described("last_drill_recovery_seconds", "How long the recovery took in it."),
		good:     f.described("last_good_drill_timestamp_seconds", "When the newest drill that passed began, 0 for never."),
	}
	f.registry.MustRegister(d)
	return d
}

// SetDrills takes the drills that somebody trusted has signed, newest first.
func (m *Metrics) SetDrills(list []Drill) {
	d := m.drills
	d.mu.Lock()
	defer d.mu.Unlock()
	d.read, d.last, d.lastGood = true, Drill{}, time.Time{}
	if len(list) > 0 {
		d.last = list[0]
	}
	for _, drill := range list {
		if drill.Passed {
			d.lastGood = drill.Began
			return
		}
	}
}

// Describe implements [prometheus.Collector].
func (d *drills) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{d.time, d.passed, d.recovery, d.good} {
		out <- desc
	}
}

// Collect implements [prometheus.Collector]. Before the reports were read once nothing is said of them: a zero would be an
// alarm.
func (d *drills) Collect(out chan<- prometheus.Metric) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.read {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	gauge(d.time, seconds(d.last.Began))
	gauge(d.passed, truth(d.last.Passed))
	gauge(d.recovery, d.last.RecoverySeconds)
	gauge(d.good, seconds(d.lastGood))
}
