package cli

import (
	"encoding/json"
	"strings"

	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/schedule"
)

// runFlag is a flag of run that has a place in the configuration.
type runFlag struct {
	flag, path string
	// env is the variable that stands in for the flag, "" if there is none.
	env string
	// text is what stands in the configuration for a value of the flag; nil for the same.
	text func(string) string
	// list is what stands there for the values of a flag that may be given again; nil for a flag that may not.
	list func([]string) string
}

// runFlags are all flags of run but the one that names the configuration.
var runFlags = []runFlag{
	{flag: "repo", path: "repository.path", env: envRepository},
	{flag: "keys", path: "repository.keys", env: envKeys},
	{flag: "remote", path: "repository.remotes", list: remotesText},
	{flag: "kubeconfig", path: "cluster.kubeconfig"},
	{flag: "context", path: "cluster.context"},
	{flag: "quiet", path: "watch.quiet"},
	{flag: "limit", path: "watch.limit"},
	{flag: "schedule", path: "points.schedules", list: schedulesText},
	{flag: "schedule-zone", path: "points.zone"},
	{flag: "schedule-jitter", path: "points.jitter"},
	{flag: "even-unchanged", path: "points.evenUnchanged"},
	{flag: "durability", path: "points.durability"},
	{flag: "no-prune", path: "points.prune", text: oneOf("false", "true")},
	{flag: "drill-schedule", path: "drills.schedule"},
	{flag: "drill-zone", path: "drills.zone"},
	{flag: "drill-kubernetes", path: "drills.kubernetes"},
	{flag: "drill-servers", path: "drills.servers"},
	{flag: "drill-kubeconfig", path: "drills.kubeconfig"},
	{flag: "drill-file", path: "drills.file"},
	{flag: "drill-allow-blocked", path: "drills.allowBlocked"},
	{flag: "find-apps", path: "apps.find"},
	{flag: "find-app-commands", path: "apps.commands", list: namespacesText},
	{flag: "app", path: "apps.named", list: namedAppsText},
	{flag: "app-ca", path: "apps.ca"},
	{flag: "app-cert", path: "apps.cert"},
	{flag: "app-key", path: "apps.key"},
	{flag: "app-token-file", path: "apps.tokenFile"},
	{flag: "app-insecure", path: "apps.insecure"},
	{flag: "adopt-cluster", path: "guards.adoptCluster"},
	{flag: "accept-history", path: "guards.acceptHistory"},
	{flag: "allow-collapse", path: "guards.allowCollapse"},
	{flag: "begin-history", path: "guards.beginHistory"},
	{flag: "no-push", path: "push.enabled", text: oneOf("false", "true")},
	{flag: "require-remotes", path: "push.required"},
	{flag: "anchor", path: "anchor.path", env: envAnchor},
	{flag: "maintain-after", path: "maintenance.afterCommits"},
	{flag: "leader-elect", path: "leaderElection.leaderElect"},
	{flag: "leader-elect-resource-namespace", path: "leaderElection.resourceNamespace"},
	{flag: "leader-elect-resource-name", path: "leaderElection.resourceName"},
	{flag: "leader-elect-identity", path: "leaderElection.identity"},
	{flag: "leader-elect-lease-duration", path: "leaderElection.leaseDuration"},
	{flag: "leader-elect-renew-deadline", path: "leaderElection.renewDeadline"},
	{flag: "leader-elect-retry-period", path: "leaderElection.retryPeriod"},
	{flag: "audit-listen", path: "audit.webhook.listen"},
	{flag: "audit-cert", path: "audit.webhook.cert"},
	{flag: "audit-key", path: "audit.webhook.key"},
	{flag: "audit-client-ca", path: "audit.webhook.clientCA"},
	{flag: "audit-client-name", path: "audit.webhook.clientName"},
	{flag: "audit-service", path: "audit.webhook.service"},
	{flag: "audit-log", path: "audit.log"},
	{flag: "audit-wait", path: "audit.wait"},
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

// schedulesText is what stands in the configuration for [NAME=]CRON, each once.
func schedulesText(values []string) string {
	var list []map[string]string
	for _, text := range values {
		name, cron, named := strings.Cut(text, "=")
		if !named || strings.ContainsAny(name, " @*") {
			name, cron = schedule.DefaultName, text
		}
		list = append(list, map[string]string{"name": name, "cron": cron})
	}
	return listText(list)
}

// namedAppsText is what stands there for [NAMESPACE/]NAME=ADDRESS, each once.
func namedAppsText(values []string) string {
	var list []map[string]string
	for _, text := range values {
		name, address, _ := strings.Cut(text, "=")
		list = append(list, map[string]string{"name": name, "address": address})
	}
	return listText(list)
}

// namespacesText is what stands there for namespaces, each once.
func namespacesText(values []string) string {
	var list []map[string]string
	for _, namespace := range listed(values) {
		list = append(list, map[string]string{"namespace": namespace})
	}
	return listText(list)
}

// listText is a list as YAML. JSON is YAML, and leaves no word without quotes.
func listText(list []map[string]string) string {
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // texts can be written
	}
	return string(text)
}
