package cli

import (
	"github.com/appbur/appbur/internal/configuration"
)

// runFlag is a flag of run that has a place in the configuration.
type runFlag struct {
	flag, path string
	// env is the variable that stands in for the flag, "" if there is none.
	env string
	// text is what stands in the configuration for a value of the flag; nil for the same.
	text func(string) string
}

// runFlags are all flags of run but the one that names the configuration.
var runFlags = []runFlag{
	{flag: "repo", path: "repository.path", env: envRepository},
	{flag: "keys", path: "repository.keys", env: envKeys},
	{flag: "kubeconfig", path: "cluster.kubeconfig"},
	{flag: "context", path: "cluster.context"},
	{flag: "quiet", path: "watch.quiet"},
	{flag: "limit", path: "watch.limit"},
	{flag: "adopt-cluster", path: "guards.adoptCluster"},
	{flag: "accept-history", path: "guards.acceptHistory"},
	{flag: "allow-collapse", path: "guards.allowCollapse"},
	{flag: "no-push", path: "push.enabled", text: oneOf("false", "true")},
	{flag: "anchor", path: "anchor.path", env: envAnchor},
	{flag: "maintain-after", path: "maintenance.afterCommits"},
	{flag: "listen", path: "metrics.listen"},
	{flag: "json", path: "log.format", text: oneOf(string(configuration.LogJSON), string(configuration.LogText))},
}

// oneOf is what a switch stands for.
func oneOf(on, off string) func(string) string {
	return func(given string) string {
		if given == "true" {
			return on
		}
		return off
	}
}

// flagOf is the flag of a setting, and false if it has none.
func flagOf(path string) (runFlag, bool) {
	for _, r := range runFlags {
		if r.path == path {
			return r, true
		}
	}
	return runFlag{}, false
}
