package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/manifest"
)

// changes are those that were gathered and are not committed.
type changes struct {
	now     func() time.Time
	commits prometheus.Counter
	took    prometheus.Histogram
	lag     prometheus.Histogram

	mu      sync.Mutex
	waiting int
	// first is when the first of them was gathered, zero while none waits.
	first time.Time
}

func newChanges(f *families, now func() time.Time) *changes {
	c := &changes{now: now}
	c.commits = f.counter("commits_total", "Commits made on main.")
	c.lag = f.durations("commit_lag_seconds", "Time from the first gathered change to its commit.")
	c.took = f.durations("commit_duration_seconds", "How long commits took, failed ones included.")
	f.computed("changes_waiting", "Changes of the cluster that are gathered and not committed.", func() float64 {
		waiting, _ := c.read()
		return float64(waiting)
	})
	f.computed("changes_waiting_seconds", "How long the first of them has waited, 0 if none waits.", func() float64 {
		_, age := c.read()
		return age.Seconds()
	})
	return c
}

func (c *changes) read() (waiting int, age time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.first.IsZero() {
		age = c.now().Sub(c.first)
	}
	return c.waiting, age
}

// gathered notes how many changes wait now.
func (c *changes) gathered(waiting int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = waiting
	switch {
	case waiting == 0:
		c.first = time.Time{}
	case c.first.IsZero():
		c.first = c.now()
	}
}

// committed measures commits that were made at once; waiting came after them.
func (c *changes) committed(made, waiting int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.commits.Add(float64(made))
	if !c.first.IsZero() {
		c.lag.Observe(now.Sub(c.first).Seconds())
	}
	if c.waiting, c.first = waiting, (time.Time{}); waiting > 0 {
		c.first = now
	}
}

// Writer is one whose changes can be counted.
type Writer interface {
	daemon.Writer
	Counter
	Waiting() int
}

// Counter counts what is on main.
type Counter interface {
	CountByKind(kinds []appbur.GroupKind) map[appbur.GroupKind]int
}

// Writer measures what is gathered and committed through a writer.
func (m *Metrics) Writer(w Writer) daemon.Writer {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.onMain = w
	return &measuredWriter{w, m}
}

type measuredWriter struct {
	Writer
	metrics *Metrics
}

// Put implements [daemon.Writer].
func (w *measuredWriter) Put(result manifest.Result) error {
	defer w.count()
	return w.Writer.Put(result)
}

// Delete implements [daemon.Writer].
func (w *measuredWriter) Delete(id appbur.ObjectID, by manifest.Revision) error {
	defer w.count()
	return w.Writer.Delete(id, by)
}

// KeepOnly implements [daemon.Writer].
func (w *measuredWriter) KeepOnly(gk appbur.GroupKind, present map[string]struct{}) error {
	defer w.count()
	return w.Writer.KeepOnly(gk, present)
}

// Commit implements [daemon.Writer].
func (w *measuredWriter) Commit(ctx context.Context, at time.Time, coverage appbur.Coverage) (repository.Outcome, error) {
	w.count() // kinds that are gone were not Put
	began := w.metrics.now()
	outcome, err := w.Writer.Commit(ctx, at, coverage)
	w.metrics.changes.took.Observe(w.metrics.now().Sub(began).Seconds())

	switch {
	case err != nil:
		if ctx.Err() == nil {
			w.metrics.fail(committing, commitReason(err))
		}
	case outcome.Committed:
		w.metrics.changes.committed(max(len(outcome.Parts), 1), w.Waiting())
		w.metrics.look()
	default:
		w.count()
	}
	return outcome, err
}

func (w *measuredWriter) count() { w.metrics.changes.gathered(w.Waiting()) }
