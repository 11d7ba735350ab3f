package configuration

import (
	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/schedule"
	"github.com/appbur/appbur/internal/settings"
)

// Drills say when the newest restore point is restored into a throwaway cluster, and into which (docs/drill.md).
type Drills struct {
	// Schedule is a cron expression, "" for no drills; Zone is its time zone, "" for UTC.
	Schedule, Zone string
	// Kubernetes is the version of the control plane that is started, Servers where its programs are.
	Kubernetes, Servers string
	// Kubeconfig names a cluster that is there, in place of Kubernetes.
	Kubeconfig string
	// File has commands that start applications, and checks.
	File         string
	AllowBlocked bool
}

// Spec is the schedule.
func (d Drills) Spec() schedule.Spec {
	return schedule.Spec{Name: "drills", Cron: d.Schedule, Zone: d.Zone}
}

var drillsTable = settings.Object(
	settings.Field("schedule", settings.Text("cron expression", `a cron expression such as 0 5 * * 0`),
		func(d *Drills) *string { return &d.Schedule }, "",
		settings.About{
			Text:    "When the newest complete restore point is drilled. A repository that was never drilled is due at once.",
			Without: "no drills are made", Example: "0 5 * * 0", Since: version, Effect: settings.Restart,
		}),
	settings.Field("zone", settings.Text("time zone", "a time zone such as Europe/Berlin"), func(d *Drills) *string { return &d.Zone }, "",
		settings.About{
			Text: "The time zone of the schedule, a name of the IANA database.", Without: "UTC",
			Example: "Europe/Berlin", Since: version, Effect: settings.Restart,
		}),
	settings.Field("kubernetes", settings.Text("version", "a version such as 1.37"), func(d *Drills) *string { return &d.Kubernetes }, "",
		settings.About{
			Text:    "The Kubernetes version of the control plane that a drill starts: the newest release of 1.37, or 1.37.1 alone.",
			Without: "that of the cluster which is saved", Example: "1.37.1", Since: version, Effect: settings.Restart,
		}),
	settings.Field("servers", settings.LocalPath("a directory such as /opt/kube"), func(d *Drills) *string { return &d.Servers }, "",
		settings.About{
			Text:    "The directory with etcd, kube-apiserver and kube-controller-manager, or with a directory of them for each version.",
			Without: "KUBEBUILDER_ASSETS in the environment, and where `make servers` and setup-envtest put them", Example: "/opt/kube",
			Since: version, Effect: settings.Restart,
		}),
	settings.Field("kubeconfig", settings.LocalPath("a file such as /etc/appbur/drill-target"),
		func(d *Drills) *string { return &d.Kubeconfig }, "",
		settings.About{
			Text:    "The kubeconfig of an empty cluster that a drill restores into. Never the one that is saved; somebody has to empty it again.",
			Without: "a control plane of drills.kubernetes is started",
			Example: "/etc/appbur/drill-target", Since: version, Effect: settings.Restart,
		}),
	settings.Field("file", settings.LocalPath("a file such as /etc/appbur/drill.yaml"), func(d *Drills) *string { return &d.File }, "",
		settings.About{
			Text: "The file with commands that start applications, and checks.", Without: "no application is started",
			Example: "/etc/appbur/drill.yaml", Since: version, Effect: settings.Restart,
		}),
	settings.Field("allowBlocked", settings.Switch(), func(d *Drills) *bool { return &d.AllowBlocked }, false,
		settings.About{
			Text: "Drill although the target cannot take some objects; the report names them.", Example: "true", Since: version,
			Effect: settings.Restart,
		}),
)

// brokenDrills is what is wrong with drills that no single setting says.
func brokenDrills(c Configuration) (problem, hint string) {
	d := c.Drills
	if d.Schedule == "" {
		return "", ""
	}
	if _, err := schedule.New(d.Spec(), ""); err != nil {
		return err.Error(), appbur.HintOf(err)
	}
	return "", ""
}
