//go:build integration

package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/testremote"
)

// A daemon whose points have to be pushed counts none before remotes hold it: log and metrics say so, it is pushed again
// until they do, and nothing is made twice for it.
func TestAPointCountsWhenRemotesHoldIt(t *testing.T) {
	s := newObservedStory(t)
	s.down.Store(true)
	s.daemon = s.startAt(s.cluster.Kubeconfig, time.Now, "--listen", "0", "--durability", "pushed", "--schedule", "yearly=@yearly")
	s.eventually("it says where it serves", func() bool { return servedAt.MatchString(s.daemon.log()) })
	s.address = servedAt.FindStringSubmatch(s.daemon.log())[1]
	s.eventually("the log says it", func() bool {
		return strings.Contains(s.daemon.log(), "a restore point is not durable: too few remotes hold it, so it does not count yet")
	})
	s.becomes("the point does not count", func(m map[string]float64) bool {
		return m["restore_points_not_durable"] == 1 && m["last_good_point_timestamp_seconds"] == 0 && m["last_point_timestamp_seconds"] > 0
	})

	s.down.Store(false)
	s.becomes("the point counts", func(m map[string]float64) bool {
		return m["restore_points_not_durable"] == 0 && m["last_good_point_timestamp_seconds"] > 0 && m["last_good_point_replicated"] == 1
	})
	s.eventually("the log says that, too", func() bool { return strings.Contains(s.daemon.log(), "the restore point is durable now") })
	if tags := strings.Fields(s.git("tag")); len(tags) != 1 {
		t.Errorf("points are %v", tags)
	}
	if code := s.daemon.stop(); code != ExitDone {
		t.Errorf("run ended with %d\n%s", code, s.daemon.log())
	}
}

// A backup whose point has to be pushed says whether it is: in words, in JSON and by its exit code.
func TestABackupSaysWhetherItsPointIsPushed(t *testing.T) {
	s := newObservedStory(t)
	backup := []string{"backup", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", s.cluster.Kubeconfig, "--durability", "pushed"}
	read := func(out string) (report backupReport) {
		t.Helper()
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			t.Fatal(err)
		}
		return report
	}
	if report := read(s.ok(append(backup, "--json")...)); report.Durability == nil || !report.Durability.Durable {
		t.Errorf("%+v", report.Durability)
	}
	says(t, s.ok(backup...), "durability     the point counts: it is pushed")

	s.down.Store(true)
	code, out, errs := s.run(append(backup, "--json")...)
	report := read(out)
	if code != ExitPartly || report.Durability.Durable ||
		!strings.Contains(report.Durability.Reason, "0 of 1 remotes hold it: forge is interrupted") {
		t.Errorf("exit code %d, %+v", code, report.Durability)
	}
	says(t, errs, "it is pushed again")

	// One that is required less often than it is configured is enough, and none is not.
	s.ok("remotes", "add", "disk", testremote.Bare(t), "--repo", s.repo, "--keys", s.keys)
	s.ok("remotes", "require", "0", "--repo", s.repo)
	if report := read(s.ok(append(backup, "--json")...)); !report.Durability.Durable || report.Replication.Holding != 1 {
		t.Errorf("%+v", report)
	}
	for _, wrong := range [][]string{append(backup, "--no-push"), append(backup, "--durability", "tape")} {
		if code, _, errs := s.run(wrong...); code != ExitUsage || !strings.Contains(errs, "hint:") {
			t.Errorf("%v: exit code %d\n%s", wrong, code, errs)
		}
	}
}
