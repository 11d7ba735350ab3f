//go:build integration

package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/faultproxy"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/internal/testremote"
)

// observedStory is a daemon that serves what it measures, before a real API server, with a real Git server as
// its remote.
type observedStory struct {
	*story
	cluster *testcluster.Cluster
	client  *kubernetes.Clientset
	daemon  *running
	address string
	// bare is the repository behind the remote.
	bare string
	// down breaks off every connection to the remote.
	down atomic.Bool
}

func newObservedStory(t *testing.T) *observedStory {
	s := &observedStory{story: newStory(t), cluster: testcluster.New(t, "1.37.1")}
	client, err := kubernetes.NewForConfig(s.cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	s.client = client

	bare := testremote.Bare(t)
	s.bare = bare
	git := testremote.HTTP(t, filepath.Dir(bare))
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.down.Load() {
			panic(http.ErrAbortHandler)
		}
		git.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	s.ok("init", s.repo, "--keys", s.keys)
	s.ok("remotes", "add", "forge", front.URL+"/"+filepath.Base(bare), "--repo", s.repo, "--keys", s.keys)
	return s
}

var servedAt = regexp.MustCompile(`msg="serving metrics" address=(\S+)`)

// serve starts the daemon.
func (s *observedStory) serve(kubeconfig string, now func() time.Time, more ...string) {
	s.Helper()
	s.daemon = s.startAt(kubeconfig, now, append(more, "--listen", "0")...)
	s.eventually("it says where it serves", func() bool { return servedAt.MatchString(s.daemon.log()) })
	s.address = servedAt.FindStringSubmatch(s.daemon.log())[1]
	if !strings.HasPrefix(s.address, "127.0.0.1:") {
		s.Errorf("it serves at %s", s.address)
	}
}

func (s *observedStory) get(path string) (code int, body string) {
	s.Helper()
	answer, err := http.Get("http://" + s.address + path)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer.StatusCode, string(data)
}

// samples are those of one scrape, by name and labels, without "appbur_".
func (s *observedStory) samples() map[string]float64 {
	s.Helper()
	code, body := s.get("/metrics")
	if code != http.StatusOK {
		s.Fatalf("%d %s", code, body)
	}
	samples := map[string]float64{}
	for line := range strings.Lines(body) {
		name, ok := strings.CutPrefix(line, "appbur_")
		at := strings.LastIndex(name, " ")
		if !ok || at < 0 {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(name[at:]), 64)
		if err != nil {
			s.Fatal(err)
		}
		samples[name[:at]] = value
	}
	return samples
}

// becomes waits for a scrape that a condition holds for.
func (s *observedStory) becomes(what string, holds func(map[string]float64) bool) {
	s.Helper()
	var last map[string]float64
	defer func() {
		if s.Failed() {
			s.Logf("%s: %v", what, last)
		}
	}()
	s.eventually(what, func() bool {
		last = s.samples()
		return holds(last)
	})
}

func (s *observedStory) create(name string) {
	s.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := s.client.CoreV1().ConfigMaps("default").Create(s.Context(), object, metav1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
}

// onMain counts the files of a kind in one commit.
func (s *observedStory) onMain(commit, kind string) (n float64) {
	for path := range strings.Lines(s.git("ls-tree", "-r", "--name-only", commit)) {
		if strings.Contains(path, "/"+kind+"/") {
			n++
		}
	}
	return n
}

// What is scraped while a daemon runs is what the cluster, the repository and the remote say.
func TestMetricsSayWhatTheClusterAndTheRepositorySay(t *testing.T) {
	s := newObservedStory(t)
	s.serve(s.cluster.Kubeconfig, time.Now)
	s.eventually("it is ready", func() bool { code, _ := s.get("/readyz"); return code == http.StatusOK })
	if code, body := s.get("/livez?verbose"); code != http.StatusOK || body != "[+]ping ok\n[+]loop ok\nlivez check passed\n" {
		t.Errorf("livez: %d %q", code, body)
	}
	s.becomes("no point is a point that is too old", func(m map[string]float64) bool {
		at, known := m["last_good_point_timestamp_seconds"]
		return known && at == 0 && m["last_good_point_replicated"] == 0 && m["remotes_required"] == 1
	})

	report := s.backup(s.cluster)
	s.becomes("a point that another process made and pushed is told", func(m map[string]float64) bool {
		return m["last_good_point_timestamp_seconds"] == float64(report.Point.Started.UnixMilli())/1000 &&
			m["last_good_point_objects"] == float64(report.Point.Objects) && m["last_point_complete"] == 1 &&
			m["last_good_point_replicated"] == 1 && m[`restore_points{state="complete"}`] == 1
	})

	for i := range 3 {
		s.create(fmt.Sprint("counted-", i))
	}
	s.becomes("the objects are those of main", func(m map[string]float64) bool {
		tip := strings.TrimSpace(s.git("rev-parse", "main"))
		return s.tryGit("cat-file", "-t", tip+":namespaces/default/configmap/counted-2.yaml") != "" &&
			m[`objects{group="",kind="ConfigMap"}`] == s.onMain(tip, "configmap") &&
			m[`objects{group="apiregistration.k8s.io",kind="APIService"}`] == s.onMain(tip, "apiservice.apiregistration.k8s.io")
	})
	s.becomes("commits are counted", func(m map[string]float64) bool {
		packs, err := filepath.Glob(filepath.Join(s.repo, "objects", "pack", "*.pack"))
		return err == nil && m["commits_total"] >= 1 && m["commit_lag_seconds_count"] == m["commits_total"] && m["changes_waiting"] == 0 &&
			m["repository_packs"] == float64(len(packs)) && m["repository_size_bytes"] > 10_000 && m["kinds"] > 50 && m["leader"] == 1 &&
			m[`push_last_success_timestamp_seconds{remote="forge"}`] > float64(report.Point.Started.Unix())
	})

	t.Run("a remote that is down shows", s.remoteDown)
	t.Run("a disk that takes nothing is not ready", s.diskDown)
	if code := s.daemon.stop(); code != ExitDone {
		t.Errorf("it ended with %d", code)
	}
	if answer, err := http.Get("http://" + s.address + "/livez"); err == nil {
		answer.Body.Close()
		t.Error("it serves after its end")
	}
}

func (s *observedStory) remoteDown(t *testing.T) {
	s.down.Store(true)
	s.create("unpushed")
	failures := func(m map[string]float64) (n float64) {
		for name, value := range m {
			if strings.HasPrefix(name, `failures_total{operation="push"`) {
				n += value
			}
		}
		return n
	}
	s.becomes("the push fails", func(m map[string]float64) bool {
		return m[`push_failing_since_timestamp_seconds{remote="forge"}`] > 0 && failures(m) > 0
	})
	s.ok("backup", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", s.cluster.Kubeconfig, "--no-push")
	s.becomes("the new point is nowhere else", func(m map[string]float64) bool {
		return m[`restore_points{state="complete"}`] == 2 && m["last_good_point_replicated"] == 0 && m["last_good_point_remotes"] == 0
	})
	if code, body := s.get("/readyz"); code != http.StatusOK {
		t.Errorf("commits go on, and it is not ready: %s", body)
	}

	s.down.Store(false)
	s.becomes("it holds all again", func(m map[string]float64) bool {
		return m[`push_failing_since_timestamp_seconds{remote="forge"}`] == 0 && m["last_good_point_replicated"] == 1
	})
}

func (s *observedStory) diskDown(t *testing.T) {
	inTheWay := filepath.Join(s.repo, "appbur-writable")
	if err := os.MkdirAll(filepath.Join(inTheWay, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	code, body := s.get("/readyz")
	if code != http.StatusInternalServerError ||
		!strings.Contains(body, "[+]list ok\n[+]lease ok\n[-]repository failed: the repository cannot be written to") {
		t.Errorf("%d %s", code, body)
	}
	if err := os.RemoveAll(inTheWay); err != nil {
		t.Fatal(err)
	}
	if code, body = s.get("/readyz?verbose"); code != http.StatusOK || !strings.HasSuffix(body, "[+]repository ok\nreadyz check passed\n") {
		t.Errorf("%d %s", code, body)
	}
}

// A loop that hangs, here because the API server does not say which cluster it is, is not alive although HTTP is.
func TestALoopThatHangsIsNotAlive(t *testing.T) {
	s := newObservedStory(t)
	proxy := faultproxy.New(t, s.cluster.RESTConfig(), faultproxy.HTTP2)
	var ahead atomic.Int64
	s.create("before")
	s.serve(kubeconfigOf(t, proxy.RESTConfig()), func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	s.becomes("the cluster is committed", func(m map[string]float64) bool { return m["changes_waiting"] == 0 && m["commits_total"] > 0 })

	proxy.Set(faultproxy.Rule{Match: faultproxy.Path("/api/v1/namespaces/kube-system"), Fault: proxy.Hang()})
	s.create("never-committed")
	s.eventually("the loop hangs in a commit", func() bool { return proxy.Hits(0) > 0 && s.samples()["changes_waiting"] > 0 })
	if code, body := s.get("/livez"); code != http.StatusOK {
		t.Errorf("a commit that takes a moment: %d %s", code, body)
	}
	ahead.Store(int64(11 * time.Minute))
	code, body := s.get("/livez")
	if code != http.StatusInternalServerError || !regexp.MustCompile(`\[-\]loop failed: the loop has not moved for 11m\d+s, while committing\n`).
		MatchString(body) {
		t.Errorf("%d %s", code, body)
	}

	proxy.Set()
	proxy.Disconnect()
	s.eventually("it lives again", func() bool { code, _ := s.get("/livez"); return code == http.StatusOK })
}
