package metrics

import (
	"context"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/pkg/exporter"
)

// Watcher measures what a watcher reports.
func (m *Metrics) Watcher(w daemon.Watcher) daemon.Watcher { return measuredWatcher{w, m} }

type measuredWatcher struct {
	daemon.Watcher
	metrics *Metrics
}

// Watch implements [daemon.Watcher].
func (w measuredWatcher) Watch(ctx context.Context, h exporter.Handler) error {
	return w.Watcher.Watch(ctx, measuredHandler{h, w.metrics})
}

type measuredHandler struct {
	exporter.Handler
	metrics *Metrics
}

// Synced implements [exporter.Handler].
func (h measuredHandler) Synced(t exporter.Type, c appbur.TypeCoverage, present map[string]struct{}) error {
	h.metrics.kinds.set(c)
	return h.Handler.Synced(t, c, present)
}

// Covered implements [exporter.Handler].
func (h measuredHandler) Covered(c appbur.TypeCoverage) error {
	h.metrics.kinds.set(c)
	return h.Handler.Covered(c)
}

// Gone implements [exporter.Handler].
func (h measuredHandler) Gone(t exporter.Type) error {
	h.metrics.kinds.gone(t.GroupKind())
	return h.Handler.Gone(t)
}

// Failed implements [exporter.Handler].
func (h measuredHandler) Failed(c appbur.TypeCoverage) error {
	h.metrics.kinds.set(c)
	h.metrics.fail(reading, string(exporter.CauseOf(c.Reason)))
	return h.Handler.Failed(c)
}

// Holes implements [exporter.Handler].
func (h measuredHandler) Holes(groups []appbur.GroupFailure) error {
	real := slices.DeleteFunc(slices.Clone(groups), func(g appbur.GroupFailure) bool { return g.Virtual })
	h.metrics.kinds.setHoles(len(real))
	return h.Handler.Holes(groups)
}
