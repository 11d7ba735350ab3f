package diagnosis

import (
	"fmt"
	"slices"
	"time"

	"github.com/appbur/appbur"
)

// schedules are one check for each of them: whether a point was made when one was due.
func (f Facts) schedules(good *appbur.RestorePoint, confirmed time.Time) []Check {
	var all []Check
	for _, s := range f.Schedules {
		c := Check{Name: "schedule", Subject: s.Name(), State: OK, About: s.Name()}
		last := f.lastOf(s.Name())
		if last == nil {
			c.State, c.Reason, c.Says = Failing, ScheduleNever, "no point was made for it yet"
			all = append(all, c)
			continue
		}

		from := last.Started
		// A point that would have been the same is not made, and the daemon knows it.
		if good != nil && last.ID == good.ID && confirmed.After(from) {
			from = confirmed
		}
		due := s.Next(from)
		c.Says = fmt.Sprintf("next due in %s", Age(due.Sub(f.Now)))
		if due.Before(f.Now) {
			c.Says = fmt.Sprintf("due since %s", Age(f.Now.Sub(due)))
		}

		if f.Now.After(due.Add(f.Grace)) {
			c.State, c.Reason = Failing, ScheduleLate
			c.Says += ", and no point was made"
			if f.quiet(*last) {
				c.State, c.Reason = Warning, ScheduleQuiet
				c.Says += "; nothing was committed since the last one"
			}
		}
		all = append(all, c)
	}
	return all
}

// lastOf is the newest point that a schedule was due for, nil if there is none.
func (f Facts) lastOf(name string) *appbur.RestorePoint {
	for i := range f.Points.All {
		if slices.Contains(f.Points.All[i].Schedules, name) {
			return &f.Points.All[i]
		}
	}
	return nil
}
