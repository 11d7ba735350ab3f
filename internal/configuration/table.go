package configuration

import (
	"time"

	"github.com/appbur/appbur/internal/settings"
)

// Table describes the file. The order is that of the schema and of the explanations.
var Table = settings.Object(
	settings.Field("apiVersion", settings.Choice(APIVersion), func(c *Configuration) *string { return &c.apiVersion }, APIVersion,
		settings.About{
			Text:    "The version of this form of file. A release that reads another form says so, and starts nothing.",
			Example: APIVersion, Since: version, Effect: settings.Restart, Required: true,
		}),
	settings.Field("kind", settings.Choice(Kind), func(c *Configuration) *string { return &c.kind }, Kind,
		settings.About{Text: "What the document is.", Example: Kind, Since: version, Effect: settings.Restart, Required: true}),
	settings.Section("repository", repositoryTable, func(c *Configuration) *Repository { return &c.Repository },
		settings.About{Text: "Where commits go.", Since: version}),
	settings.Section("cluster", clusterTable, func(c *Configuration) *Cluster { return &c.Cluster },
		settings.About{
			Text:  "Which cluster is saved. In a pod both settings stay away: its service account says which.",
			Since: version,
		}),
	settings.Section("watch", watchTable, func(c *Configuration) *Watch { return &c.Watch },
		settings.About{Text: "When what was seen is committed.", Since: version}),
	settings.Section("points", pointsTable, func(c *Configuration) *Points { return &c.Points },
		settings.About{Text: "When restore points are made.", Since: version}),
	settings.Section("drills", drillsTable, func(c *Configuration) *Drills { return &c.Drills },
		settings.About{Text: "When it is proven that restore points can be restored (docs/drill.md).", Since: version}),
	settings.Section("apps", appsTable, func(c *Configuration) *Apps { return &c.Apps },
		settings.About{Text: "Which applications restore points hold, and how they are reached.", Since: version}),
	settings.Section("guards", guardsTable, func(c *Configuration) *Guards { return &c.Guards },
		settings.About{
			Text: "Guards that are off. Each is on by default, and is for one occasion: set it, wait for the commit, and take it out " +
				"again. The commit records it.",
			Since: version,
		}),
	settings.Section("push", pushTable, func(c *Configuration) *Push { return &c.Push },
		settings.About{Text: "Whether commits go to the remotes of the repository.", Since: version}),
	settings.Section("anchor", anchorTable, func(c *Configuration) *Anchor { return &c.Anchor },
		settings.About{Text: "A signed note of the newest commit, stored elsewhere, which shows when history was rewritten.", Since: version}),
	settings.Section("maintenance", maintenanceTable, func(c *Configuration) *Maintenance { return &c.Maintenance },
		settings.About{Text: "When the repository is packed together.", Since: version}),
	settings.Section("leaderElection", leaderElectionTable, func(c *Configuration) *LeaderElection { return &c.LeaderElection },
		settings.About{Text: "Which of several daemons writes.", Since: version}),
	settings.Section("audit", auditTable, func(c *Configuration) *Audit { return &c.Audit },
		settings.About{Text: "Where audit events come from, which prove who made a change (docs/who.md).", Since: version}),
	settings.Section("metrics", metricsTable, func(c *Configuration) *Metrics { return &c.Metrics },
		settings.About{Text: "Where the daemon shows what it measures, and whether it lives and is ready.", Since: version}),
	settings.Section("log", logTable, func(c *Configuration) *Log { return &c.Log },
		settings.About{Text: "How lines are logged.", Since: version}),
	settings.Section("reload", reloadTable, func(c *Configuration) *Reload { return &c.Reload },
		settings.About{Text: "How a change of this file is noticed. The signal HUP has it read at any time.", Since: version}),
)

var repositoryTable = settings.Object(
	settings.Field("path", settings.LocalPath("a directory such as /var/lib/appbur/mgmt.git"),
		func(r *Repository) *string { return &r.Path }, "",
		settings.About{
			Text: "The directory of the repository.", Without: "APPBUR_REPO in the environment",
			Example: "/var/lib/appbur/mgmt.git", Since: version, Effect: settings.Restart,
		}),
	settings.Field("keys", settings.LocalPath("a directory such as /etc/appbur/keys"), func(r *Repository) *string { return &r.Keys }, "",
		settings.About{
			Text: "The directory of the repository's keys.", Without: "APPBUR_KEYS in the environment, else the keys that this copy is bound to",
			Example: "/etc/appbur/keys", Since: version, Effect: settings.Restart,
		}),
	remotesRow,
)

var clusterTable = settings.Object(
	settings.Field("kubeconfig", settings.LocalPath("a file such as /etc/appbur/kubeconfig"),
		func(c *Cluster) *string { return &c.Kubeconfig }, "",
		settings.About{
			Text:    "The kubeconfig that names the cluster and the account.",
			Without: "KUBECONFIG in the environment, ~/.kube/config, or the pod's own service account",
			Example: "/etc/appbur/kubeconfig", Since: version, Effect: settings.Restart,
		}),
	settings.Field("context", settings.Text("name", "the name of a context"), func(c *Cluster) *string { return &c.Context }, "",
		settings.About{
			Text: "The context of the kubeconfig.", Without: "its current one",
			Example: "mgmt", Since: version, Effect: settings.Restart,
		}),
)

var watchTable = settings.Object(
	settings.Field("quiet", settings.Duration(), func(w *Watch) *time.Duration { return &w.Quiet }, 2*time.Second,
		settings.About{
			Text:    "Commit when nothing has changed for this long.",
			Example: "5s", Since: version, Effect: settings.AtOnce,
		}),
	settings.Field("limit", settings.Duration(), func(w *Watch) *time.Duration { return &w.Limit }, 15*time.Second,
		settings.About{
			Text:    "Commit at the latest after this long, however busy the cluster is.",
			Example: "1m", Since: version, Effect: settings.AtOnce,
		}),
)

var guardsTable = settings.Object(
	settings.Field("adoptCluster", settings.Switch(), func(g *Guards) *bool { return &g.AdoptCluster }, false,
		settings.About{Text: "Go on with the history of another cluster.", Example: "true", Since: version, Effect: settings.Restart}),
	settings.Field("acceptHistory", settings.Switch(), func(g *Guards) *bool { return &g.AcceptHistory }, false,
		settings.About{Text: "Go on from a history that is not the one seen before.", Example: "true", Since: version, Effect: settings.Restart}),
	settings.Field("allowCollapse", settings.Switch(), func(g *Guards) *bool { return &g.AllowCollapse }, false,
		settings.About{Text: "Believe that most saved objects are really gone.", Example: "true", Since: version, Effect: settings.AtOnce}),
	settings.Field("beginHistory", settings.Switch(), func(g *Guards) *bool { return &g.BeginHistory }, false,
		settings.About{
			Text:    "Begin a new history in an empty directory although a remote that may have one does not answer, or has lost it.",
			Example: "true", Since: version, Effect: settings.Restart,
		}),
)

var pushTable = settings.Object(
	settings.Field("enabled", settings.Switch(), func(p *Push) *bool { return &p.Enabled }, true,
		settings.About{
			Text:    "Push commits to the remotes as they are made. Commits never wait for a remote, and the next push catches up.",
			Example: "false", Since: version, Effect: settings.AtOnce,
		}),
	requiredRow,
)

var anchorTable = settings.Object(
	settings.Field("path", settings.LocalPath("a file or a directory such as /mnt/anchors"), func(a *Anchor) *string { return &a.Path }, "",
		settings.About{
			Text:    "A file, or a directory of files, to write the anchor to after each commit.",
			Without: "APPBUR_ANCHOR in the environment, else none is written",
			Example: "/mnt/anchors", Since: version, Effect: settings.AtOnce,
		}),
)

// mostCommits is a number of commits that nobody waits for.
const mostCommits = 1_000_000_000

var maintenanceTable = settings.Object(
	settings.Field("afterCommits", settings.Whole(0, mostCommits), func(m *Maintenance) *int { return &m.AfterCommits }, 500,
		settings.About{
			Text:    "Pack the repository together in the background after this number of commits; 0 never does.",
			Example: "1000", Since: version, Effect: settings.AtOnce,
		}),
)

var logTable = settings.Object(
	settings.Field("format", settings.Choice(LogText, LogJSON), func(l *Log) *LogFormat { return &l.Format }, LogText,
		settings.About{
			Text:    "Lines of key=value for people, or one JSON object in each line for a collector of logs.",
			Example: "json", Since: version, Effect: settings.AtOnce,
		}),
)

var reloadTable = settings.Object(
	settings.Field("every", settings.Duration(), func(r *Reload) *time.Duration { return &r.Every }, 5*time.Second,
		settings.About{
			Text: "Read this file so often, and apply it when its content has changed and is the same at the next look; 0s waits for the " +
				"signal HUP. A file that is wrong changes nothing.",
			Example: "30s", Since: version, Effect: settings.AtOnce,
		}),
)
