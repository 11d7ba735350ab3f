//go:build integration

package cli

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
)

// replica is one of several daemons, a process of its own.
type replica struct {
	*running
	process *os.Process
	address string
}

// replicas are daemons of one cluster, of which one leads.
type replicas struct {
	*story
	binary  string
	cluster *testcluster.Cluster
	client  kubernetes.Interface
}

func newReplicas(t *testing.T, version string) *replicas {
	s := &replicas{story: newStory(t), cluster: testcluster.New(t, version), binary: buildBinary(t)}
	client, err := kubernetes.NewForConfig(s.cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	s.client = client
	s.ok("init", s.repo, "--keys", s.keys)
	return s
}

// replica starts a daemon that takes part in the election. The durations are short, so that the test is.
func (s *replicas) replica(repo, keys string, more ...string) *replica {
	s.Helper()
	args := []string{
		"run", "--repo", repo, "--keys", keys, "--kubeconfig", s.cluster.Kubeconfig, "--quiet", "300ms", "--limit", "2s",
		"--listen", "0", "--leader-elect", "--leader-elect-resource-namespace", "default", "--leader-elect-lease-duration", "5s",
		"--leader-elect-renew-deadline", "3s", "--leader-elect-retry-period", "500ms",
	}
	command := exec.Command(s.binary, append(args, more...)...)
	r := &replica{running: &running{ended: make(chan int, 1)}}
	r.cancel = func() { _ = command.Process.Signal(syscall.SIGTERM) }
	command.Stdout, command.Stderr = r, r
	if err := command.Start(); err != nil {
		s.Fatal(err)
	}
	r.process = command.Process
	go func() {
		_ = command.Wait()
		r.ended <- command.ProcessState.ExitCode()
	}()
	s.Cleanup(func() {
		r.signal(s.T, syscall.SIGCONT)
		r.stop()
		if s.Failed() {
			s.Logf("process %d:\n%s", r.process.Pid, r.log())
		}
	})
	s.eventually("it serves", func() bool {
		found := regexp.MustCompile(`address=([0-9.]+:[0-9]+)`).FindStringSubmatch(r.log())
		if found != nil {
			r.address = found[1]
		}
		return found != nil
	})
	return r
}

// signal sends a signal to the process.
func (r *replica) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := r.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
}

// ask returns what the daemon answers over HTTP, "" if it does not.
func (r *replica) ask(path string) (code int, text string) {
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get("http://" + r.address + path)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, ""
	}
	return answer.StatusCode, string(body)
}

// leads reports whether a daemon says that it leads.
func (r *replica) leads() bool {
	_, text := r.ask("/metrics")
	return strings.Contains(text, "appbur_leader 1\n")
}

// holder is who holds the Lease.
func (s *replicas) holder() string {
	s.Helper()
	lease, err := s.client.CoordinationV1().Leases("default").Get(s.Context(), "appbur", metav1.GetOptions{})
	if err != nil || lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// put makes or changes a ConfigMap.
func (s *replicas) put(name, value string) {
	s.Helper()
	configMaps := s.client.CoreV1().ConfigMaps("default")
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"value": value}}
	_, err := configMaps.Update(s.Context(), object, metav1.UpdateOptions{})
	if err != nil {
		_, err = configMaps.Create(s.Context(), object, metav1.CreateOptions{})
	}
	if err != nil {
		s.Fatal(err)
	}
}

// committed waits until a ConfigMap is on main of a repository as it is in the cluster.
func (s *replicas) committed(repo, name, value string) {
	s.Helper()
	s.eventually(name+" is committed", func() bool {
		out, err := gitCommand(s.Context(), repo, "show", "main:namespaces/default/configmap/"+name+".yaml").Output()
		return err == nil && strings.Contains(string(out), strconv.Quote(value))
	})
}

// Of two daemons on one volume one writes. The other serves metrics and is ready, and takes over within seconds when the
// leader ends.
func TestOneOfTwoDaemonsWrites(t *testing.T) {
	s := newReplicas(t, "1.37.1")
	first := s.replica(s.repo, s.keys, "--leader-elect-identity", "first")
	s.eventually("the first leads", first.leads)
	s.put("a", "1")
	s.committed(s.repo, "a", "1")

	second := s.replica(s.repo, s.keys, "--leader-elect-identity", "second")
	s.eventually("the second stands by", func() bool {
		return strings.Contains(second.log(), "another process leads; this one stands by") && strings.Contains(second.log(), "leader=first")
	})
	for _, path := range []string{"/readyz", "/livez"} {
		if code, text := second.ask(path + "?verbose"); code != http.StatusOK {
			t.Errorf("%s of who stands by: %d\n%s", path, code, text)
		}
	}
	_, text := second.ask("/metrics")
	says(t, text, "appbur_leader 0\n", "appbur_repository_size_bytes")
	if holder := s.holder(); holder != "first" {
		t.Errorf("the Lease is held by %q", holder)
	}
	s.put("a", "2")
	s.committed(s.repo, "a", "2")
	if strings.Contains(second.log(), "committed") {
		t.Errorf("who stands by writes:\n%s", second.log())
	}

	s.put("a", "3") // it may be gathered when the signal comes
	began := time.Now()
	if code := first.stop(); code != ExitDone {
		t.Errorf("the first ended with %d", code)
	}
	s.eventually("the second leads", second.leads)
	t.Logf("measured: after the signal the second led within %s", time.Since(began).Round(100*time.Millisecond))
	s.put("b", "1")
	s.committed(s.repo, "a", "3")
	s.committed(s.repo, "b", "1")

	third := s.replica(s.repo, s.keys)
	s.eventually("the third stands by", func() bool { return strings.Contains(third.log(), "leader=second") })
	second.signal(t, syscall.SIGKILL)
	began = time.Now()
	s.eventually("the third leads", third.leads)
	t.Logf("measured: after a kill the third led within %s, with a Lease of 5s", time.Since(began).Round(100*time.Millisecond))
	s.put("b", "2")
	s.committed(s.repo, "b", "2")
	if code := third.stop(); code != ExitDone {
		t.Errorf("the third ended with %d", code)
	}
	s.whole(s.repo)
}

// whole checks that a repository has one line of history and is what the cluster is.
func (s *replicas) whole(repo string) {
	s.Helper()
	git := func(args ...string) string {
		out, err := gitCommand(s.Context(), repo, args...).CombinedOutput()
		if err != nil {
			s.Errorf("git %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	git("fsck", "--strict")
	if merges := git("rev-list", "--min-parents=2", "main"); merges != "" {
		s.Errorf("the history is not one line: %s", merges)
	}
	if roots := strings.Fields(git("rev-list", "--max-parents=0", "main")); len(roots) != 1 {
		s.Errorf("the history begins at %q", roots)
	}
	s.ok("repo", "check", "--repo", repo, "--keys", s.keys)
	tip := git("rev-parse", "main")
	s.ok("backup", "--repo", repo, "--keys", s.keys, "--kubeconfig", s.cluster.Kubeconfig, "--no-push")
	if now := git("rev-parse", "main"); now != tip {
		s.Errorf("the history was not what the cluster is:\n%s", git("show", "--stat", "main"))
	}
}

// A daemon that does not reach the Lease is alive and not ready, and leads when it does.
func TestADaemonThatDoesNotReachTheLeaseIsNotReady(t *testing.T) {
	s := newReplicas(t, "1.24.17")
	kubeconfig := s.cluster.Kubeconfig
	s.cluster.StopAPIServer()
	r := s.replica(s.repo, s.keys, "--kubeconfig", kubeconfig)
	s.eventually("it is not ready", func() bool {
		code, text := r.ask("/readyz")
		return code == http.StatusInternalServerError &&
			strings.Contains(text, "[-]lease failed: the Lease default/appbur cannot be read or written")
	})
	if code, text := r.ask("/livez?verbose"); code != http.StatusOK {
		t.Errorf("it is not alive: %d\n%s", code, text)
	}
	if err := s.cluster.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.eventually("it leads", r.leads)
	s.eventually("it is ready", func() bool { code, _ := r.ask("/readyz"); return code == http.StatusOK })
}
