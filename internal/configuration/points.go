package configuration

import (
	"time"

	"github.com/appbur/appbur/internal/schedule"
	"github.com/appbur/appbur/internal/settings"
)

// Points says when restore points are made.
type Points struct {
	Schedules []Schedule
	// Zone is the time zone of schedules that name none, "" for UTC.
	Zone   string
	Jitter time.Duration
	// EvenUnchanged makes a point also when nothing has changed since the last one of the schedule.
	EvenUnchanged bool
	// Durability is where a point has to be for it to count, for schedules that do not say so themselves.
	Durability Durability
	// Prune follows the retention policy after a scheduled point.
	Prune bool
}

// Schedule is one cron expression and its name.
type Schedule struct {
	Name, Cron, Zone string
	Durability       Durability
	// Apps are the applications that are asked for their state, as patterns; none for all.
	Apps []string
}

// Specs are the schedules with what holds for all of them.
func (p Points) Specs() []schedule.Spec {
	var specs []schedule.Spec
	for _, s := range p.Schedules {
		if s.Zone == "" {
			s.Zone = p.Zone
		}
		specs = append(specs, schedule.Spec{Name: s.Name, Cron: s.Cron, Zone: s.Zone, Jitter: p.Jitter})
	}
	return specs
}

var pointsTable = settings.Object(
	settings.Elements("schedules", settings.ListOf(scheduleTable, func(s Schedule) string { return s.Name }),
		func(p *Points) *[]Schedule { return &p.Schedules },
		settings.About{
			Text: "When restore points are made. What is due for several schedules at the same time is one point. A schedule that has no " +
				"point yet is due at once.",
			Without: "no restore points are made, only commits",
			Example: `[{name: nightly, cron: "30 2 * * *"}]`, Since: version, Effect: settings.Restart,
		}),
	settings.Field("zone", settings.Text("time zone", "a time zone such as Europe/Berlin"), func(p *Points) *string { return &p.Zone }, "",
		settings.About{
			Text: "The time zone of the schedules, a name of the IANA database.", Without: "UTC",
			Example: "Europe/Berlin", Since: version, Effect: settings.Restart,
		}),
	settings.Field("jitter", settings.Duration(), func(p *Points) *time.Duration { return &p.Jitter }, 0,
		settings.About{
			Text: "Be up to so much later than the schedule says, each cluster by its own share that stays the same, so that clusters with " +
				"one remote do not all come at once.",
			Example: "10m", Since: version, Effect: settings.Restart,
		}),
	settings.Field("evenUnchanged", settings.Switch(), func(p *Points) *bool { return &p.EvenUnchanged }, false,
		settings.About{
			Text: "Make a scheduled point also when neither the cluster nor an application has changed since the last one of the schedule. " +
				"Applications that do not offer fingerprints count as changed.",
			Example: "true", Since: version, Effect: settings.AtOnce,
		}),
	durabilityRow,
	settings.Field("prune", settings.Switch(), func(p *Points) *bool { return &p.Prune }, true,
		settings.About{
			Text:    "Follow the retention policy of the repository's appbur.yaml after a scheduled point.",
			Example: "false", Since: version, Effect: settings.AtOnce,
		}),
)

var scheduleTable = settings.Object(
	settings.Field("name", settings.Text("name", "a name such as nightly"), func(s *Schedule) *string { return &s.Name }, schedule.DefaultName,
		settings.About{
			Text:    "The name, which is written into the points. A retention policy can count the points of a schedule by it.",
			Example: "nightly", Since: version, Effect: settings.Restart,
		}),
	settings.Field("cron", settings.Text("cron expression", `five fields such as 30 2 * * *, or @daily`),
		func(s *Schedule) *string { return &s.Cron }, "",
		settings.About{
			Text:    "When points are due: five fields as in a CronJob of Kubernetes, or @hourly, @daily, @weekly, @monthly, @yearly, @every 6h.",
			Example: `"30 2 * * *"`, Since: version, Effect: settings.Restart, Required: true,
		}),
	settings.Field("zone", settings.Text("time zone", "a time zone such as Europe/Berlin"), func(s *Schedule) *string { return &s.Zone }, "",
		settings.About{
			Text: "The time zone of this schedule.", Without: "points.zone",
			Example: "Europe/Berlin", Since: version, Effect: settings.Restart,
		}),
	scheduleDurabilityRow,
	scheduleAppsRow,
)
