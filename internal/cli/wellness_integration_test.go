//go:build integration

package cli

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A daemon before a real cluster with a real remote is well; then the remote is down, the daemon is dead, and the point
// gets too old: each is told, and nothing else is wrong.
func TestStatusSaysWhatIsWrong(t *testing.T) {
	s := newObservedStory(t)
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	config := filepath.Join(t.TempDir(), "appbur.yaml")
	write := func(listen string) {
		t.Helper()
		text := "apiVersion: appbur.io/v1alpha1\nkind: Configuration\n" +
			"repository: {path: " + s.repo + ", keys: " + s.keys + "}\ncluster: {kubeconfig: " + s.cluster.Kubeconfig + "}\n" +
			"points: {schedules: [{name: hourly, cron: \"@every 1h\"}]}\nmetrics: {listen: \"" + listen + "\"}\n"
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	s.create("kept")
	write("0")
	s.serve(s.cluster.Kubeconfig, now, "--schedule", "hourly=@every 1h")
	write(s.address)
	var answer statusAnswer
	var text string
	s.eventually("all is well", func() bool {
		answer, text = s.status(now, "--config", config)
		return answer.State == "ok"
	})
	for _, want := range []string{
		"ok last good point", "ok last point", "ok replication", "ok schedule hourly", "ok commits", "ok remote forge", "ok excluded",
		"ok daemon", "ok cluster",
	} {
		if !strings.Contains(text, want+": ") {
			t.Errorf("%q is not among\n%s", want, text)
		}
	}
	p := answer.LastGoodPoint
	if p == nil || p.Holding != 1 || p.Required != 1 || p.Objects == 0 || !strings.HasPrefix(answer.Checks[0].Says, string(p.ID)) {
		t.Errorf("the last good point is %+v, and comes first:\n%s", answer.LastGoodPoint, text)
	}

	failing := func(want string, more ...string) (text string) {
		t.Helper()
		defer func() { t.Logf("%s\n%s", want, text) }() // shown when the test fails
		s.eventually(want, func() bool {
			_, text = s.status(now, append(more, "--config", config)...)
			return failingChecks(text) == want
		})
		return text
	}

	t.Run("the remote is down", func(t *testing.T) {
		s.down.Store(true)
		failing("remote forge")
		s.ok("backup", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", s.cluster.Kubeconfig, "--no-push")
		failing("replication, remote forge")
		s.down.Store(false)
		s.ok("remotes", "push", "--repo", s.repo, "--keys", s.keys)
	})

	t.Run("the daemon does not get on", func(t *testing.T) {
		inTheWay := filepath.Join(s.repo, "appbur-writable")
		if err := os.MkdirAll(filepath.Join(inTheWay, "x"), 0o700); err != nil {
			t.Fatal(err)
		}
		if text := failing("daemon"); !strings.Contains(text, "is not ready: repository failed") {
			t.Errorf("%s", text)
		}
		if err := os.RemoveAll(inTheWay); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("the daemon is dead", func(t *testing.T) {
		if code := s.daemon.stop(); code != ExitDone {
			t.Errorf("it ended with %d", code)
		}
		if text := failing("daemon"); !strings.Contains(text, "connection refused") {
			t.Errorf("%s", text)
		}
	})

	t.Run("the point is too old", func(t *testing.T) {
		ahead.Store(int64(70 * time.Minute))
		failing("daemon") // it is due, and within the grace
		ahead.Store(int64(3 * time.Hour))
		failing("last good point, schedule hourly, daemon")
		failing("schedule hourly, daemon", "--max-age", "4h")
	})

	t.Run("the cluster is gone", func(t *testing.T) {
		ahead.Store(0)
		s.cluster.StopAPIServer()
		failing("daemon, cluster")
	})
	if _, err := http.Get("http://" + s.address + "/livez"); err == nil {
		t.Error("a daemon still answers")
	}
}

// status is what `appbur status --json` says at a time, and the same as one line for each check.
func (s *observedStory) status(now func() time.Time, args ...string) (answer statusAnswer, text string) {
	s.Helper()
	var out, errs strings.Builder
	e := &env{
		Streams: &Streams{In: strings.NewReader(""), Out: &out, Err: &errs},
		now:     now, getenv: func(string) string { return "" },
	}
	code := Run(s.Context(), e, append([]string{"status", "--json"}, args...))
	if err := json.Unmarshal([]byte(out.String()), &answer); err != nil {
		s.Fatalf("exit code %d, %v\n%s%s", code, err, out.String(), errs.String())
	}
	if want := map[bool]int{true: ExitDone, false: ExitPartly}[answer.State == "ok"]; code != want {
		s.Errorf("it is %s, and the exit code %d", answer.State, code)
	}

	var lines []string
	for _, c := range answer.Checks {
		if (c.State == "ok") != (c.Do == "") {
			s.Errorf("%s is %s, and to be done is %q", c.Check, c.State, c.Do)
		}
		lines = append(lines, string(c.State)+" "+strings.TrimSpace(c.Check+" "+c.Subject)+": "+c.Says)
	}
	return answer, strings.Join(lines, "\n")
}

// failingChecks are those that fail. One that warns is not among them: the remote lacks a commit for a moment.
func failingChecks(text string) string {
	var all []string
	for line := range strings.Lines(text) {
		if what, failing := strings.CutPrefix(line, "failing "); failing {
			what, _, _ = strings.Cut(what, ": ")
			all = append(all, what)
		}
	}
	return strings.Join(all, ", ")
}
