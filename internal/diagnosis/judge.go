package diagnosis

import (
	"fmt"
	"strings"
	"time"

	"github.com/appbur/appbur"
)

// defaultGreatestAge is how old the last good point may be where no schedule says it: one point a day, and what it
// takes. The alert AppburPointTooOld has the same.
const defaultGreatestAge = 26 * time.Hour

// futureAllowance is how far clocks may differ.
const futureAllowance = time.Hour

// Judge says of all facts whether they are well.
func Judge(f Facts) Report {
	r := Report{State: OK}
	r.Good, r.Confirmed = f.good()
	for _, remote := range f.Remotes {
		if r.Good != nil && remote.holds(*r.Good) {
			r.Holding++
		}
	}

	r.add(f.lastGoodPoint(r.Good, r.Confirmed))
	if len(f.Points.All) > 0 {
		r.add(f.completeness())
	}
	r.add(f.replication(r.Good, r.Holding))
	for _, c := range f.schedules(r.Good, r.Confirmed) {
		r.add(c)
	}

	r.add(f.commits())
	for _, remote := range f.Remotes {
		r.add(f.remote(remote))
	}
	for _, c := range f.trust() {
		r.add(c)
	}
	if f.Points.Excluded >= 0 && len(f.Points.All) > 0 {
		r.add(Check{Name: "excluded", State: OK, Says: count(f.Points.Excluded, "object") + " left out by rules"})
	}

	for _, file := range f.Exposed {
		r.add(Check{Name: "keys", State: Warning, Says: file + " can be used by others than its owner", Reason: KeyExposed, About: file})
	}
	for _, c := range f.daemon() {
		r.add(c)
	}
	if f.Cluster != nil {
		r.add(f.cluster())
	}
	return r
}

// good is the newest point that is complete, and when it was last known that nothing has changed since.
func (f Facts) good() (*appbur.RestorePoint, time.Time) {
	for i := range f.Points.All {
		point := &f.Points.All[i]
		if point.Partial {
			continue
		}
		confirmed := point.Started
		if f.Daemon != nil && f.Daemon.Err == "" && f.Daemon.Confirmed.After(confirmed) {
			confirmed = f.Daemon.Confirmed
		}
		return point, confirmed
	}
	return nil, time.Time{}
}

func (f Facts) lastGoodPoint(good *appbur.RestorePoint, confirmed time.Time) Check {
	c := Check{Name: "last good point", State: Failing}
	if good == nil {
		c.Says, c.Reason = "there is none", NoPoint
		if n := len(f.Points.All); n > 0 {
			c.Says = fmt.Sprintf("there is none: all %d are partial", n)
		}
		return c
	}
	c.About = string(good.ID)
	c.Says = fmt.Sprintf("%s, %s old", good.ID, Age(f.Now.Sub(good.Started)))
	if confirmed.After(good.Started) {
		c.Says += fmt.Sprintf(", nothing has changed since: seen %s ago", Age(f.Now.Sub(confirmed)))
	}

	late, limit := f.tooOld(confirmed)
	switch {
	case good.Started.Sub(f.Now) > futureAllowance:
		c.Says, c.Reason = fmt.Sprintf("%s is of the future, by %s", good.ID, Age(good.Started.Sub(f.Now))), PointOfTheFuture
	case late && f.quiet(*good):
		c.State, c.Reason = Warning, ScheduleQuiet
		c.Says += "; " + limit + ", but nothing was committed since"
	case late:
		c.Says, c.Reason = c.Says+"; "+limit, PointTooOld
	default:
		c.State, c.Reason, c.About = OK, "", ""
	}
	return c
}

// tooOld says whether a point that was true at a time is too old now, and by which measure.
func (f Facts) tooOld(confirmed time.Time) (late bool, limit string) {
	greatest := f.GreatestAge
	if greatest == 0 && len(f.Schedules) == 0 {
		greatest = defaultGreatestAge
	}
	if greatest > 0 {
		return f.Now.Sub(confirmed) > greatest, "it may be " + Age(greatest) + " old"
	}
	for _, s := range f.Schedules {
		if due := s.Next(confirmed); f.Now.After(due.Add(f.Grace)) {
			return true, fmt.Sprintf("the next was due %s ago (%s)", Age(f.Now.Sub(due)), s.Name())
		}
	}
	return false, ""
}

// quiet reports whether a late point may only mean that nothing has changed: main is still what the point was made of,
// no application has state in it, and no daemon was asked.
func (f Facts) quiet(point appbur.RestorePoint) bool {
	return f.GreatestAge == 0 && f.Daemon == nil && point.Manifests == f.Main.Commit && len(point.Apps) == 0 && len(f.Schedules) > 0
}

func (f Facts) completeness() Check {
	last := f.Points.All[0]
	c := Check{Name: "last point", State: OK, Says: "complete: " + count(last.Objects, "object")}
	if len(last.Apps) > 0 {
		c.Says += ", " + count(len(last.Apps), "application")
	}
	if !last.Partial {
		return c
	}

	c.State, c.Reason, c.About = Failing, PointIncomplete, string(last.ID)
	c.Says = fmt.Sprintf("%s is partial: types could not be read", last.ID)
	if len(last.Missing) > 0 {
		var missing []string
		for _, app := range last.Missing {
			missing = append(missing, app.String())
		}
		c.Says = fmt.Sprintf("%s is partial: it lacks %s", last.ID, strings.Join(missing, ", "))
	}
	return c
}

func (f Facts) trust() []Check {
	var all []Check
	if f.Points.Unchecked {
		all = append(all, Check{
			Name: "signatures", State: Warning, Says: "not checked: no signer is trusted, so anybody may have made the points",
			Reason: SignaturesUnchecked,
		})
	}
	if n := len(f.Points.Rejected); n > 0 {
		says := fmt.Sprintf("%s unreadable or without a trusted signature, and counted for nothing: %s", count(n, "restore point"),
			f.Points.Rejected[0])
		if n > 1 {
			says += " …"
		}
		all = append(all, Check{Name: "signatures", State: Warning, Says: says, Reason: PointsRejected, About: string(f.Points.Rejected[0])})
	}
	return all
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
