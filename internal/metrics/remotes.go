package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
)

// remotes are where copies of the repository are.
type remotes struct {
	now                             func() time.Time
	succeeded, failing, requirement *prometheus.Desc
	took                            prometheus.Histogram
	sent                            *prometheus.CounterVec

	mu       sync.Mutex
	read     bool
	required int
	states   map[string]*remote
}

// remote is what is known of one.
type remote struct {
	// last is when it last held everything, failing since when it does not.
	last, failing time.Time
	// pushed is when this process brought it up to date; held are the points that it has had since.
	pushed time.Time
	held   map[appbur.RestorePointID]bool
}

func newRemotes(f *families, now func() time.Time) *remotes {
	r := &remotes{now: now, states: map[string]*remote{}}
	r.succeeded = f.described("push_last_success_timestamp_seconds", "When the remote last held everything, 0 if it never did.", "remote")
	r.failing = f.described("push_failing_since_timestamp_seconds", "Since when pushes to the remote fail, 0 if the last one did not.",
		"remote")
	r.requirement = f.described("remotes_required", "Remotes that must hold a restore point for it to count as replicated.")
	r.took = f.durations("push_duration_seconds", "How long pushes to all remotes took, failed ones included.")
	r.sent = f.counters("pushed_bytes_total", "Bytes of packs sent to the remote.", "remote")
	f.registry.MustRegister(r)
	return r
}

// Describe implements [prometheus.Collector].
func (r *remotes) Describe(out chan<- *prometheus.Desc) {
	out <- r.succeeded
	out <- r.failing
	out <- r.requirement
}

// Collect implements [prometheus.Collector].
func (r *remotes) Collect(out chan<- prometheus.Metric) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.read {
		return
	}
	out <- prometheus.MustNewConstMetric(r.requirement, prometheus.GaugeValue, float64(r.required))
	for name, state := range r.states {
		out <- prometheus.MustNewConstMetric(r.succeeded, prometheus.GaugeValue, seconds(state.last), name)
		out <- prometheus.MustNewConstMetric(r.failing, prometheus.GaugeValue, seconds(state.failing), name)
	}
}

// configure takes which remotes there are, and what is noted beside the repository of when each held
// everything, whoever pushed.
func (r *remotes) configure(names []string, noted map[string]time.Time, required int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	states := make(map[string]*remote, len(names))
	for _, name := range names {
		state := r.states[name]
		if state == nil {
			state = &remote{}
			r.sent.WithLabelValues(name)
		}
		states[name] = state
		if at := noted[name]; at.After(state.last) {
			state.last = at
			if state.failing.Before(at) {
				state.failing = time.Time{} // another process has reached it since
			}
		}
	}
	r.read, r.states, r.required = true, states, required
}

// reached notes that a remote holds everything, the given points among it.
func (r *remotes) reached(name string, held map[appbur.RestorePointID]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	state, now := r.state(name), r.now()
	state.last, state.failing, state.pushed, state.held = now, time.Time{}, now, held
}

// failed notes that a push to a remote failed.
func (r *remotes) failed(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if state := r.state(name); state.failing.IsZero() {
		state.failing = r.now()
	}
}

func (r *remotes) state(name string) *remote {
	state := r.states[name]
	if state == nil {
		state = &remote{}
		r.states[name] = state
	}
	return state
}

// holding counts the remotes that are known to hold a point. What this process has pushed it knows; of what others
// pushed later it knows the time.
func (r *remotes) holding(point *appbur.RestorePoint) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, state := range r.states {
		if state.held[point.ID] || state.last.After(state.pushed) && !state.last.Before(point.Ended) {
			n++
		}
	}
	return n
}

// Push brings all remotes up to date; nil where there are none.
type Push func(context.Context) (*repository.Replication, error)

// Pushes measures pushes. points lists what the repository holds.
func (m *Metrics) Pushes(push Push, points func() ([]repository.PointRef, error)) Push {
	return func(ctx context.Context) (*repository.Replication, error) {
		refs, err := points()
		if err != nil {
			return nil, err
		}
		began := m.now()
		done, err := push(ctx)
		if done == nil || ctx.Err() != nil {
			return done, err
		}

		m.remotes.took.Observe(m.now().Sub(began).Seconds())
		if err != nil {
			m.fail(pushing, other)
		}
		for _, result := range done.Remotes {
			m.remotes.sent.WithLabelValues(result.Remote).Add(float64(result.Bytes))
			if result.Error != "" {
				m.remotes.failed(result.Remote)
				m.fail(pushing, label(string(result.State)))
				continue
			}
			m.remotes.reached(result.Remote, ids(refs))
		}
		m.look()
		return done, err
	}
}
