package diagnosis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/schedule"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// point is complete, of the schedule hourly, and was made some time ago of the commit that main is at.
func point(ago time.Duration) appbur.RestorePoint {
	at := now.Add(-ago)
	return appbur.RestorePoint{
		ID: appbur.NewRestorePointID(at, 0), Started: at, Ended: at.Add(time.Minute), Objects: 12, Schedules: []string{"hourly"},
		Cluster: appbur.Cluster{ID: "c1"}, Manifests: "tip",
	}
}

// well are facts in which nothing is wrong.
func well(t *testing.T) Facts {
	return Facts{
		Now: now, Grace: 15 * time.Minute, Schedules: []*schedule.Schedule{hourly(t)}, Required: 1,
		Points:  Points{All: []appbur.RestorePoint{point(30 * time.Minute)}, Excluded: 7},
		Main:    Main{Commit: "tip", Committed: now.Add(-40 * time.Minute)},
		Remotes: []Remote{{Name: "forge", LastPush: now.Add(-20 * time.Minute)}},
		Daemon: &Daemon{
			Address: "127.0.0.1:9420", Leader: true, Audit: &Audit{Configured: true, Last: now.Add(-4 * time.Minute), Changes: 3},
		},
		Cluster: &Cluster{ID: "c1", Version: "1.37.1"},
	}
}

func hourly(t *testing.T) *schedule.Schedule {
	t.Helper()
	s, err := schedule.New(schedule.Spec{Name: "hourly", Cron: "0 * * * *"}, "c1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Nothing is wrong: every check says so, the last good point first.
func TestWhatIsWellIsSaid(t *testing.T) {
	want := strings.TrimSpace(`
ok       last good point  20261130T113000Z, 30 min old
ok       last point       complete: 12 objects
ok       replication      1 of 1 remotes hold the last good point, 1 must
ok       schedule hourly  next due in 0 s
ok       commits          the last was made 40 min ago, and no change waits
ok       remote forge     has everything
ok       excluded         7 objects left out by rules
ok       daemon           alive, ready, and the one that writes
ok       audit events     come, the last 4 min ago
ok       cluster          answers, Kubernetes 1.37.1`)
	if diff := cmp.Diff(want, text(Judge(well(t)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Each thing that is wrong is one check that is not ok, or some that belong together. The others stay as they were.
func TestWhatIsWrongIsSaid(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*Facts)
		want  string
	}{
		"no point": {
			func(f *Facts) { f.Points.All = nil },
			"failing last good point: there is none (noPoint)\n" +
				"failing schedule hourly: no point was made for it yet (scheduleNever)",
		},
		"a point that is late by its schedule": {
			func(f *Facts) { f.Points.All[0] = point(2 * time.Hour) },
			"failing last good point: 20261130T100000Z, 2 h old; the next was due 1 h ago (hourly) (pointTooOld)\n" +
				"failing schedule hourly: due since 1 h, and no point was made (scheduleLate)",
		},
		"a point that is not late yet, because of the grace": {
			func(f *Facts) { f.Now = now.Add(10 * time.Minute) },
			"",
		},
		"a late point, and nothing was committed since: without a daemon nobody knows": {
			func(f *Facts) { f.Points.All[0], f.Daemon = point(2*time.Hour), nil },
			"warning last good point: 20261130T100000Z, 2 h old; the next was due 1 h ago (hourly), but nothing was committed since " +
				"(scheduleQuiet)\n" +
				"warning schedule hourly: due since 1 h, and no point was made; nothing was committed since the last one (scheduleQuiet)",
		},
		"a late point with applications, whose state no commit shows": {
			func(f *Facts) {
				f.Points.All[0], f.Daemon = point(2*time.Hour), nil
				f.Points.All[0].Apps = make([]appbur.AppState, 1)
			},
			"failing last good point: 20261130T100000Z, 2 h old; the next was due 1 h ago (hourly) (pointTooOld)\n" +
				"failing schedule hourly: due since 1 h, and no point was made (scheduleLate)",
		},
		"an old point of which the daemon knows that it is up to date": {
			func(f *Facts) { f.Points.All[0], f.Daemon.Confirmed = point(72*time.Hour), now.Add(-20*time.Minute) },
			"",
		},
		"older than the greatest age": {
			func(f *Facts) { f.GreatestAge = 20 * time.Minute },
			"failing last good point: 20261130T113000Z, 30 min old; it may be 20 min old (pointTooOld)",
		},
		"older than a day, where no schedule is known": {
			func(f *Facts) { f.Schedules, f.Points.All[0] = nil, point(27*time.Hour) },
			"failing last good point: 20261129T090000Z, 27 h old; it may be 26 h old (pointTooOld)",
		},
		"a point of the future": {
			func(f *Facts) { f.Points.All[0] = point(-90 * time.Minute) },
			"failing last good point: 20261130T133000Z is of the future, by 1 h 30 min (pointOfTheFuture)",
		},
		"the newest is partial": {
			func(f *Facts) {
				partial := point(10 * time.Minute)
				partial.Partial, partial.Missing = true, []appbur.MissingApp{{AppKey: appbur.AppKey{Namespace: "a", Name: "b"}}}
				f.Points.All = append([]appbur.RestorePoint{partial}, f.Points.All...)
			},
			"failing last point: 20261130T115000Z is partial: it lacks a/b (pointIncomplete)",
		},
		"a remote that is down, and had the point": {
			func(f *Facts) { f.Remotes[0].Err = "no answer" },
			"failing remote forge: no answer; it had everything 20 min ago (remoteFails)",
		},
		"a remote that is down, and does not have the point": {
			func(f *Facts) { f.Remotes[0].Err, f.Remotes[0].LastPush = "no answer", now.Add(-3*time.Hour) },
			"failing replication: 0 of 1 remotes hold the last good point, 1 must (notReplicated)\n" +
				"failing remote forge: no answer; it had everything 3 h ago (remoteFails)",
		},
		"a remote that lacks commits, and no point": {
			func(f *Facts) { f.Remotes[0].Behind, f.Remotes[0].Commits = true, 2 },
			"warning remote forge: lacks 2 commits and 0 restore points; it had everything 20 min ago (remoteBehind)",
		},
		"no remotes": {
			func(f *Facts) { f.Remotes, f.Required = nil, 0 },
			"warning replication: there are no remotes: the points are on this disk only (noRemotes)",
		},
		"changes that wait for long": {
			func(f *Facts) { f.Daemon.Waiting, f.Daemon.WaitingFor = 3, 20*time.Minute },
			"failing commits: the last was made 40 min ago; 3 changes waiting for 20 min (commitsWait)",
		},
		"changes that wait for a moment": {
			func(f *Facts) { f.Daemon.Waiting, f.Daemon.WaitingFor = 3, 2*time.Second },
			"",
		},
		"points that count for nothing": {
			func(f *Facts) { f.Points.Rejected = []appbur.RestorePointID{"20261130T115500Z"} },
			"warning signatures: 1 restore point unreadable or without a trusted signature, and counted for nothing: 20261130T115500Z " +
				"(pointsRejected)",
		},
		"nobody is trusted": {
			func(f *Facts) { f.Points.Unchecked = true },
			"warning signatures: not checked: no signer is trusted, so anybody may have made the points (signaturesUnchecked)",
		},
		"a key that others can read": {
			func(f *Facts) { f.Exposed = []string{"/keys/signing"} },
			"warning keys: /keys/signing can be used by others than its owner (keyExposed)",
		},
		"no daemon answers": {
			func(f *Facts) { f.Daemon = &Daemon{Address: "127.0.0.1:9420", Err: "connection refused"} },
			"failing daemon: does not answer at 127.0.0.1:9420: connection refused (daemonUnreachable)",
		},
		"a daemon that is stuck": {
			func(f *Facts) { f.Daemon.Stuck = []string{"loop failed: it has not moved for 5m"} },
			"failing daemon: is stuck: loop failed: it has not moved for 5m (daemonStuck)",
		},
		"a daemon that is not ready": {
			func(f *Facts) { f.Daemon.NotReady = []string{"list failed: 3 of 70 types are listed"} },
			"failing daemon: is not ready: list failed: 3 of 70 types are listed (daemonNotReady)",
		},
		"a daemon that stands by": {
			func(f *Facts) { f.Daemon.Leader = false },
			"",
		},
		"a daemon that cannot read some kinds, and has lost the API server": {
			func(f *Facts) {
				f.Daemon.Unreadable, f.Daemon.APIServerAway = []string{"A", "B", "C", "D.example.org"}, true
			},
			"failing cluster: the daemon cannot reach the API server (clusterAway)\n" +
				"failing kinds: the daemon cannot read A, B, C and 1 more (kindsUnreadable)",
		},
		"audit events that stay away": {
			func(f *Facts) { f.Daemon.Audit.Silent, f.Daemon.Audit.Last = true, now.Add(-2*time.Hour) },
			"warning audit events: none for 2 h although the cluster changes: who made a change is not known (auditSilent)",
		},
		"audit events that have never come": {
			func(f *Facts) { f.Daemon.Audit.Last = time.Time{} },
			"warning audit events: none has ever come, and 3 changes did: who made them is not known (auditNever)",
		},
		"audit events that nobody needed yet": {
			func(f *Facts) { *f.Daemon.Audit = Audit{Configured: true} },
			"",
		},
		"audit events that nobody wants": {
			func(f *Facts) { *f.Daemon.Audit = Audit{} },
			"",
		},
		"the cluster does not answer": {
			func(f *Facts) { f.Cluster = &Cluster{Err: "connection refused"} },
			"failing cluster: does not answer: connection refused (clusterAway)",
		},
		"another cluster": {
			func(f *Facts) { f.Cluster.ID = "c2" },
			"failing cluster: is c2, and the points are of c1 (otherCluster)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := well(t)
			test.spoil(&f)
			report := Judge(f)
			worst := OK
			var got []string
			for _, c := range report.Checks {
				if severity[c.State] > severity[worst] {
					worst = c.State
				}
				if c.State != OK {
					got = append(got, fmt.Sprintf("%s %s: %s (%s)", c.State, strings.TrimSpace(c.Name+" "+c.Subject), c.Says, c.Reason))
				} else if c.Reason != "" {
					t.Errorf("%s is ok, and has a reason: %s", c.Name, c.Reason)
				}
			}

			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if report.State != worst {
				t.Errorf("the report is %s, and its worst check %s", report.State, worst)
			}
		})
	}
}

// text is one line for each check.
func text(r Report) string {
	var lines []string
	for _, c := range r.Checks {
		lines = append(lines, fmt.Sprintf("%-8s %-16s %s", c.State, strings.TrimSpace(c.Name+" "+c.Subject), c.Says))
	}
	return strings.Join(lines, "\n")
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", 59*time.Minute + 59*time.Second: "59 min",
		time.Hour: "1 h", 90 * time.Minute: "1 h 30 min", 47 * time.Hour: "47 h", 48 * time.Hour: "2 days", 1000 * time.Hour: "41 days",
	} {
		if got := Age(d); got != want {
			t.Errorf("%s is %q, and should be %q", d, got, want)
		}
	}
}
