package diagnosis

import (
	"fmt"
	"strings"
)

// commits says how far main is behind the cluster, as far as that is known.
func (f Facts) commits() Check {
	c := Check{Name: "commits", State: OK, Says: "the last was made " + Age(f.Now.Sub(f.Main.Committed)) + " ago"}
	d := f.Daemon
	if d == nil || d.Err != "" {
		return c
	}
	if d.Waiting == 0 {
		c.Says += ", and no change waits"
		return c
	}
	c.Says += fmt.Sprintf("; %s waiting for %s", count(d.Waiting, "change"), Age(d.WaitingFor))
	if d.WaitingFor > f.Grace {
		c.State, c.Reason = Failing, CommitsWait
	}
	return c
}

// daemon are the checks of what a daemon says, none if nobody asked.
func (f Facts) daemon() []Check {
	d := f.Daemon
	if d == nil {
		return nil
	}
	c := Check{Name: "daemon", State: OK, About: d.Address}
	switch {
	case d.Err != "":
		c.State, c.Reason, c.Says = Failing, DaemonUnreachable, "does not answer at "+d.Address+": "+d.Err
		return []Check{c}
	case len(d.Stuck) > 0:
		c.State, c.Reason, c.Says = Failing, DaemonStuck, "is stuck: "+strings.Join(d.Stuck, "; ")
	case len(d.NotReady) > 0:
		c.State, c.Reason, c.Says = Failing, DaemonNotReady, "is not ready: "+strings.Join(d.NotReady, "; ")
	case !d.Leader:
		c.Says = "alive and ready, and stands by: another one writes"
	default:
		c.Says = "alive, ready, and the one that writes"
	}

	all := []Check{c}
	if d.APIServerAway {
		all = append(all, Check{Name: "cluster", State: Failing, Says: "the daemon cannot reach the API server", Reason: ClusterAway})
	}
	if n := len(d.Unreadable); n > 0 {
		all = append(all, Check{
			Name: "kinds", State: Failing, Reason: KindsUnreadable, About: d.Unreadable[0],
			Says: fmt.Sprintf("the daemon cannot read %s", shortened(d.Unreadable)),
		})
	}
	if d.Audit != nil {
		all = append(all, f.audit())
	}
	return all
}

func (f Facts) cluster() Check {
	c := Check{Name: "cluster", State: OK, Says: "answers, Kubernetes " + f.Cluster.Version}
	switch {
	case f.Cluster.Err != "":
		c.State, c.Reason, c.Says = Failing, ClusterAway, "does not answer: "+f.Cluster.Err
	case len(f.Points.All) > 0 && f.Points.All[0].Cluster.ID != f.Cluster.ID:
		c.State, c.Reason = Failing, OtherCluster
		c.Says = fmt.Sprintf("is %s, and the points are of %s", f.Cluster.ID, f.Points.All[0].Cluster.ID)
	}
	return c
}

// shortened names the first few of a list.
func shortened(list []string) string {
	const most = 3
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}
