// Package helm checks the chart in deploy/chart with Helm's own code: it is linted, rendered with several values and
// compared with what kustomize makes of the same manifests, and installed, upgraded and removed on real API servers.
//
// It is a module of its own: Helm brings some hundred modules, and nothing that is shipped needs them.
package helm
