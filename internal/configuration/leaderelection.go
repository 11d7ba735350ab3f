package configuration

import (
	"time"

	"github.com/appbur/appbur/internal/leader/timing"
	"github.com/appbur/appbur/internal/settings"
)

// LeaderElection says how one of several daemons is elected to write. The names are those of the components of
// Kubernetes.
type LeaderElection struct {
	LeaderElect bool
	// ResourceNamespace is "" for that of the pod, or of the kubeconfig's context.
	ResourceNamespace, ResourceName string
	// Identity is "" for a name that no other process has.
	Identity string
	timing.Timing
}

var leaderElectionTable = settings.Object(
	settings.Field("leaderElect", settings.Switch(), func(l *LeaderElection) *bool { return &l.LeaderElect }, false,
		settings.About{
			Text: "Write only while this process holds the Lease, and stand by otherwise. It is for two or more daemons of one cluster, and " +
				"for restore points that somebody asks the daemon for. It is off by default, because it needs rights on a Lease.",
			Example: "true", Since: version, Effect: settings.Restart,
		}),
	settings.Field("resourceNamespace", settings.Text("namespace", "a namespace such as appbur-system"),
		func(l *LeaderElection) *string { return &l.ResourceNamespace }, "",
		settings.About{
			Text: "The namespace of the Lease.", Without: "that of the pod, or of the kubeconfig's context",
			Example: "appbur-system", Since: version, Effect: settings.Restart,
		}),
	settings.Field("resourceName", settings.Text("name", "a name such as appbur"),
		func(l *LeaderElection) *string { return &l.ResourceName }, DefaultLease,
		settings.About{Text: "The name of the Lease.", Example: "appbur-mgmt", Since: version, Effect: settings.Restart}),
	settings.Field("identity", settings.Text("name", "a name that no other process has"),
		func(l *LeaderElection) *string { return &l.Identity }, "",
		settings.About{
			Text:    "What the Lease calls this process. Two processes with one name would both write.",
			Without: "the name of the host, and random digits", Example: "appbur-0", Since: version, Effect: settings.Restart,
		}),
	settings.Field("leaseDuration", settings.Duration(), func(l *LeaderElection) *time.Duration { return &l.LeaseDuration }, 15*time.Second,
		settings.About{
			Text:    "How long the others wait for a leader that is not heard of, in whole seconds. One that ends in good order gives the Lease up at once.",
			Example: "30s", Since: version, Effect: settings.Restart,
		}),
	settings.Field("renewDeadline", settings.Duration(), func(l *LeaderElection) *time.Duration { return &l.RenewDeadline }, 10*time.Second,
		settings.About{
			Text:    "How long a leader writes on that cannot renew the Lease.",
			Example: "8s", Since: version, Effect: settings.Restart,
		}),
	settings.Field("retryPeriod", settings.Duration(), func(l *LeaderElection) *time.Duration { return &l.RetryPeriod }, 2*time.Second,
		settings.About{Text: "How often the Lease is looked at.", Example: "1s", Since: version, Effect: settings.Restart}),
)

// DefaultLease is the name of the Lease where none is set.
const DefaultLease = "appbur"
