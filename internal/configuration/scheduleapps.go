package configuration

import (
	"fmt"
	"path"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/settings"
)

var scheduleAppsRow = settings.Elements("apps",
	settings.TextsOf(settings.Text("application", "an application such as fleet-system/fleet or team-*/*")),
	func(s *Schedule) *[]string { return &s.Apps },
	settings.About{
		Text: "The applications that a point of this schedule asks for their state: NAMESPACE/NAME or NAME, with * and ?. The point takes over " +
			"that of the others from the point before, and asks only those whose state no point holds.",
		Without: "all applications are asked", Example: "[fleet-system/*]", Since: version, Effect: settings.Restart,
	})

// Asks reports whether a point for the named schedules, or one that somebody asks for if there is none, asks an
// application for its state. own are the schedules that the application itself wants to be asked by, none for any; names
// that are no schedule's count for nothing.
func (p Points) Asks(schedules []string, app appbur.AppKey, own []string) bool {
	if len(schedules) == 0 {
		return true
	}
	unknown := p.Unknown(own)
	own = slices.DeleteFunc(slices.Clone(own), func(name string) bool { return slices.Contains(unknown, name) })

	return slices.ContainsFunc(p.Schedules, func(s Schedule) bool {
		if !slices.Contains(schedules, s.Name) || len(own) > 0 && !slices.Contains(own, s.Name) {
			return false
		}
		return len(s.Apps) == 0 || slices.ContainsFunc(s.Apps, app.Matches)
	})
}

// Unknown are the names among some that are no schedule's.
func (p Points) Unknown(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(p.Schedules, func(s Schedule) bool { return s.Name == name })
	})
}

// malformedPattern is what is wrong where a schedule names its applications by a pattern that is none.
func malformedPattern(c Configuration) (problem, hint string) {
	for _, s := range c.Points.Schedules {
		for _, pattern := range s.Apps {
			if _, err := path.Match(pattern, ""); err != nil {
				return fmt.Sprintf("the application %q of the schedule %s is no pattern: %v", pattern, s.Name, err),
					"write NAMESPACE/NAME, with * for any characters, such as team-*/*"
			}
		}
	}
	return "", ""
}
