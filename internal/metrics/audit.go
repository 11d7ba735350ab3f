package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/appbur/appbur/internal/audit"
)

// AuditState is what is measured of where audit events come from.
type AuditState func() (taken audit.Taken, counts audit.Counts, silent bool)

// auditSource measures a source of audit events when it is asked.
type auditSource struct {
	state AuditState

	events, facts, unusable, lost, changes, answered, last, silent, configured *prometheus.Desc
}

func newAuditSource(f *families) *auditSource {
	a := &auditSource{
		events:   f.describedCounter("audit_events_total", "Audit events that came, those that came again included."),
		facts:    f.describedCounter("audit_facts_total", "Writes that audit events prove, each once."),
		unusable: f.describedCounter("audit_events_unusable_total", "Audit events about a write that prove nothing, by why.", "reason"),
		lost: f.describedCounter("audit_connections_lost_total",
			"Connections over which audit events came whose other side vanished without a word."),
		changes: f.describedCounter("audit_changes_total", "Changes of which audit events were asked who made them."),
		answered: f.describedCounter("audit_changes_answered_total",
			"Those that audit events prove, by when: at once, or later by an event that came after the commit.", "when"),
		last:   f.described("audit_last_event_timestamp_seconds", "When the last audit event came, 0 for never."),
		silent: f.described("audit_source_silent", "1 while no audit events come although they did before and the cluster changes."),
		configured: f.described("audit_source_configured",
			"1 if audit events are received or read from a log, which is what the leader does."),
	}
	f.registry.MustRegister(a)
	return a
}

// describedCounter is a counter that a collector of this package computes.
func (f *families) describedCounter(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(f.note("counter", name, help, labels), help, labels, nil)
}

// SetAudit says how it is with audit events, where they come from somewhere. It is called before anything is scraped.
func (m *Metrics) SetAudit(state AuditState) { m.audit.state = state }

// Describe implements [prometheus.Collector].
func (a *auditSource) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(a, out) }

// Collect implements [prometheus.Collector].
func (a *auditSource) Collect(out chan<- prometheus.Metric) {
	var taken audit.Taken
	var counts audit.Counts
	silent := false
	if a.state != nil {
		taken, counts, silent = a.state()
	}
	count := func(desc *prometheus.Desc, value int, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
	}
	count(a.events, taken.Events)
	count(a.facts, taken.Facts)
	for _, reason := range audit.Reasons {
		count(a.unusable, taken.Unusable[reason], reason)
	}
	count(a.lost, taken.Lost)
	count(a.changes, counts.Asked)
	count(a.answered, counts.AtOnce, "at_once")
	count(a.answered, counts.Late, "later")

	out <- prometheus.MustNewConstMetric(a.last, prometheus.GaugeValue, seconds(taken.Last))
	out <- prometheus.MustNewConstMetric(a.silent, prometheus.GaugeValue, truth(silent))
	out <- prometheus.MustNewConstMetric(a.configured, prometheus.GaugeValue, truth(a.state != nil))
}
