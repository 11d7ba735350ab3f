// Package prometheus has the alerts and the dashboard of deploy/metrics judge what a daemon exposes in some states
// (internal/metrics/testdata), with Prometheus' own rule loader and query engine.
//
// It is a module of its own: the engine brings some hundred modules, and nothing that is shipped needs them.
package prometheus
