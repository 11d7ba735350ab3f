package configuration

import (
	"fmt"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/schedule"
	"github.com/appbur/appbur/internal/settings"
)

// rules are what no single setting can say, and no schema.
var rules = []settings.Rule[Configuration]{
	{
		Paths: []string{"watch.quiet", "watch.limit"},
		Broken: func(c Configuration) (problem, hint string) {
			if c.Watch.Quiet <= c.Watch.Limit {
				return "", ""
			}
			quiet, limit := Table.Text(c, "watch.quiet"), Table.Text(c, "watch.limit")
			return fmt.Sprintf("%s of quiet cannot be waited for: a change waits %s at most (watch.limit)", quiet, limit),
				fmt.Sprintf("set watch.limit to %s or more, or watch.quiet to %s or less", quiet, limit)
		},
	},
	{
		Paths: []string{"points.schedules", "points.zone", "points.jitter"},
		Broken: func(c Configuration) (problem, hint string) {
			for _, spec := range c.Points.Specs() {
				if _, err := schedule.New(spec, ""); err != nil {
					return err.Error(), appbur.HintOf(err)
				}
			}
			return "", ""
		},
	},
	{
		Paths:  []string{"drills.schedule", "drills.zone"},
		Broken: brokenDrills,
	},
	{Paths: []string{"repository.remotes"}, Broken: brokenRemotes},
	{Paths: []string{"points.durability", "points.schedules", "push.enabled"}, Broken: pushedNowhere},
	{Paths: []string{"points.schedules"}, Broken: malformedPattern},
	{
		Paths: []string{"leaderElection.leaseDuration", "leaderElection.renewDeadline", "leaderElection.retryPeriod"},
		Broken: func(c Configuration) (problem, hint string) {
			if err := c.LeaderElection.Check(); err != nil {
				return err.Error(), "leave the three at 15s, 10s and 2s, or make all of them as much longer"
			}
			return "", ""
		},
	},
	{Paths: []string{"audit.wait"}, Broken: waitsTooLong},
	{
		Paths: []string{"apps.named"},
		Broken: func(c Configuration) (problem, hint string) {
			for _, app := range c.Apps.Named {
				if strings.ContainsAny(app.Name, " \t=") || strings.Count(app.Name, "/") > 1 || app.Address == "" {
					return fmt.Sprintf("%q at %q is no application", app.Name, app.Address), "write {name: NAMESPACE/NAME, address: HOST:PORT}"
				}
			}
			return "", ""
		},
	},
}
