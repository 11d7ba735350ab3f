//go:build integration

package cli

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
)

// appbur run commits what changes, goes on after a restart with what it missed,
// and survives an API server that goes away.
func TestRunKeepsMainUpToDate(t *testing.T) {
	s := newStory(t)
	cluster := testcluster.New(t, "1.24.17")
	client, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	s.ok("init", s.repo, "--keys", s.keys)
	put := func(name, value string) {
		t.Helper()
		configMaps := client.CoreV1().ConfigMaps("default")
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"value": value}}
		if _, err := configMaps.Update(t.Context(), object, metav1.UpdateOptions{}); err == nil {
			return
		}
		if _, err := configMaps.Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	file := func(name string) string { return "main:namespaces/default/configmap/" + name + ".yaml" }

	put("before", "1")
	daemon := s.start(cluster)
	s.eventually("what was there is committed", func() bool { return strings.Contains(s.tryGit("show", file("before")), `"1"`) })

	put("while", "2")
	s.eventually("a new object is committed", func() bool { return strings.Contains(s.tryGit("show", file("while")), `"2"`) })
	put("while", "3")
	s.eventually("a change is committed", func() bool { return strings.Contains(s.tryGit("show", file("while")), `"3"`) })
	if err := client.CoreV1().ConfigMaps("default").Delete(t.Context(), "while", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually("a deletion is committed", func() bool { return s.tryGit("show", file("while")) == "" })
	if subjects := s.git("log", "--format=%s"); !strings.Contains(subjects, "Remove configmap default/while") {
		t.Errorf("the commits say\n%s", subjects)
	}

	before := strings.Count(daemon.log(), "\n")
	cluster.StopAPIServer()
	s.eventually("the outage is told", func() bool {
		return strings.Contains(daemon.log(), "the API server cannot be reached; what changes meanwhile")
	})
	if err := cluster.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	put("after-drop", "4")
	s.eventually("the watch comes back", func() bool { return strings.Contains(s.tryGit("show", file("after-drop")), `"4"`) })
	if s.tryGit("show", file("before")) == "" {
		t.Error("a dropped watch removed a file")
	}
	s.eventually("the end of the outage is told", func() bool { return strings.Contains(daemon.log(), "the API server can be reached again") })
	if lines := strings.Count(daemon.log(), "\n") - before; lines > 8 {
		t.Errorf("one restart of the API server gave %d lines:\n%s", lines, daemon.log())
	}
	if !strings.Contains(daemon.log(), "configmap default/while") {
		t.Errorf("no line names what was committed:\n%s", daemon.log())
	}

	if code := daemon.stop(); code != ExitDone {
		t.Errorf("stopped by a signal, run ended with %d\n%s", code, daemon.log())
	}
	tip := s.git("rev-parse", "main")
	put("missed", "5")
	if err := client.CoreV1().ConfigMaps("default").Delete(t.Context(), "before", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	daemon = s.start(cluster)
	s.eventually("what was missed is committed", func() bool {
		return strings.Contains(s.tryGit("show", file("missed")), `"5"`) && s.tryGit("show", file("before")) == ""
	})
	if code := daemon.stop(); code != ExitDone {
		t.Errorf("run ended with %d\n%s", code, daemon.log())
	}
	if merge := s.git("merge-base", "--is-ancestor", strings.TrimSpace(tip), "main"); merge != "" {
		t.Error(merge)
	}
	s.git("fsck", "--strict")

	// What the daemon wrote and what a backup would write are the same tree.
	if report := s.backup(cluster); report.Committed {
		t.Errorf("a backup after run made a commit:\n%s", s.git("show", report.Commit))
	}
}

// running is an `appbur run` in this process.
type running struct {
	cancel context.CancelFunc
	ended  chan int
	mu     sync.Mutex
	lines  strings.Builder
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.Write(p)
}

func (r *running) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.String()
}

func (r *running) stop() int {
	r.cancel()
	code := <-r.ended
	r.ended <- code
	return code
}

func (s *story) start(c *testcluster.Cluster, more ...string) *running {
	s.Helper()
	return s.startAt(c.Kubeconfig, time.Now, more...)
}

// startAt starts a daemon with a clock of its own.
func (s *story) startAt(kubeconfig string, now func() time.Time, more ...string) *running {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, ended: make(chan int, 1)}
	e := &env{
		Streams: &Streams{In: strings.NewReader(""), Out: r, Err: r},
		now:     now, rand: rand.Reader, getenv: func(string) string { return "" },
	}
	args := []string{"run", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", kubeconfig, "--quiet", "300ms", "--limit", "5s"}
	go func() { r.ended <- Run(ctx, e, append(args, more...)) }()
	s.Cleanup(func() {
		r.stop()
		if s.Failed() {
			s.Log(r.log())
		}
	})
	return r
}

func (s *story) eventually(what string, done func() bool) {
	s.Helper()
	defer func() {
		if s.Failed() {
			s.Logf("main:\n%s", s.tryGit("log", "--stat", "-3"))
		}
	}()
	untilDone(s.T, what, done)
}

// untilDone waits for something for a minute.
func untilDone(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// tryGit is git for questions whose answer may be no.
func (s *story) tryGit(args ...string) string {
	out, err := gitCommand(s.Context(), s.repo, args...).Output()
	if err != nil {
		return ""
	}
	return string(out)
}
