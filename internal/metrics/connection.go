package metrics

import "github.com/appbur/appbur/pkg/exporter"

// Connection measures the connection to the API server.
func (m *Metrics) Connection() exporter.Connection { return connection{m} }

type connection struct{ metrics *Metrics }

// Lost implements [exporter.Connection].
func (c connection) Lost() { c.metrics.lost.Inc() }

// Away implements [exporter.Connection].
func (c connection) Away() { c.metrics.up.Set(0) }

// Back implements [exporter.Connection].
func (c connection) Back() { c.metrics.up.Set(1) }
