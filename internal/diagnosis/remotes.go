package diagnosis

import (
	"fmt"

	"github.com/appbur/appbur"
)

// holds reports whether a remote is known to have a point: it lacks none, or it last held everything after the point
// was made.
func (r Remote) holds(point appbur.RestorePoint) bool {
	if r.Err == "" && r.Points == 0 {
		return true
	}
	return !r.LastPush.Before(point.Ended) && !r.LastPush.IsZero()
}

func (f Facts) replication(good *appbur.RestorePoint, holding int) Check {
	c := Check{Name: "replication", State: OK}
	switch {
	case len(f.Remotes) == 0:
		c.State, c.Reason, c.Says = Warning, NoRemotes, "there are no remotes: the points are on this disk only"
	case good == nil:
		c.Says = "there is no good point yet that remotes could hold"
	default:
		c.Says = fmt.Sprintf("%d of %d remotes hold the last good point, %d must", holding, len(f.Remotes), f.Required)
		if holding < f.Required {
			c.State, c.Reason, c.About = Failing, NotReplicated, string(good.ID)
		}
	}
	return c
}

func (f Facts) remote(r Remote) Check {
	c := Check{Name: "remote", Subject: r.Name, State: OK, Says: "has everything", About: r.Name}
	since := "it never had everything"
	if !r.LastPush.IsZero() {
		since = "it had everything " + Age(f.Now.Sub(r.LastPush)) + " ago"
	}

	switch {
	case r.Err != "":
		c.State, c.Reason, c.Says = Failing, RemoteFails, r.Err+"; "+since
	case r.Behind:
		c.State, c.Reason = Warning, RemoteBehind
		c.Says = fmt.Sprintf("lacks %s and %s; %s", count(r.Commits, "commit"), count(r.Points, "restore point"), since)
	}
	return c
}
