//go:build integration

package cli

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/audit/audittest"
	"github.com/appbur/appbur/internal/testcluster"
)

// road is the way from an API server to the daemon. When it is cut nothing comes through any more, and neither side is told.
type road struct {
	*testing.T
	listener net.Listener
	to       atomic.Value
	cut      atomic.Bool
	mu       sync.Mutex
	open     []net.Conn
}

func newRoad(t *testing.T) *road {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &road{T: t, listener: listener}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { r.carry(&running, connection) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		r.mu.Lock()
		for _, connection := range r.open {
			_ = connection.Close()
		}
		r.mu.Unlock()
		running.Wait()
	})
	return r
}

// carry brings bytes from one side to the other until one side ends, or the road is cut.
func (r *road) carry(running *sync.WaitGroup, from net.Conn) {
	r.keep(from)
	address, _ := r.to.Load().(string)
	if address == "" || r.cut.Load() {
		return
	}
	to, err := net.Dial("tcp", address)
	if err != nil {
		_ = from.Close()
		return
	}
	r.keep(to)
	running.Go(func() { r.copy(from, to) })
	r.copy(to, from)
}

func (r *road) keep(connection net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = append(r.open, connection)
}

func (r *road) copy(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if r.cut.Load() {
			return
		}
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			_, _ = from.Close(), to.Close()
			return
		}
	}
}

// A daemon with audit events names who made each change; when the events stay away without a word it says so, once, and
// once that they come again.
func TestCommitsSayWhoFromAuditEvents(t *testing.T) {
	s := newStory(t)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	authority := audittest.NewAuthority(t)
	certificate, key := authority.Issue(t, "appbur", "127.0.0.1")
	client, clientKey := authority.Issue(t, "kube-apiserver", "127.0.0.1")
	way := newRoad(t)
	example, err := os.ReadFile("../../deploy/audit/webhook.kubeconfig")
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := strings.NewReplacer("10.96.200.20:9443", way.listener.Addr().String(), "/etc/kubernetes/audit", dir).Replace(string(example))
	for name, text := range map[string][]byte{
		"tls.crt": certificate, "tls.key": key, "ca.crt": authority.PEM, "client.crt": client, "client.key": clientKey,
		"webhook.kubeconfig": []byte(kubeconfig),
	} {
		if err := os.WriteFile(path(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	policy, err := filepath.Abs("../../deploy/audit/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cluster := testcluster.NewWith(t, testcluster.Options{
		Version: mustVersion(t, "1.37.1"), Users: []string{"alice"}, APIServerArgs: []string{
			"--audit-policy-file=" + policy, "--audit-webhook-config-file=" + path("webhook.kubeconfig"), "--audit-webhook-batch-max-wait=50ms",
			"--audit-webhook-initial-backoff=200ms",
		},
	})
	s.ok("init", s.repo, "--keys", s.keys)

	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	daemon := s.startAt(cluster.Kubeconfig, now, "--audit-listen", "0", "--audit-cert", path("tls.crt"), "--audit-key", path("tls.key"),
		"--audit-client-ca", path("ca.crt"), "--audit-client-name", "kube-apiserver")
	s.eventually("it listens", func() bool { return strings.Contains(daemon.log(), "receiving audit events") })
	_, rest, _ := strings.Cut(daemon.log(), `"receiving audit events" address=`)
	address, _, _ := strings.Cut(rest, "\n")
	way.to.Store(strings.TrimSpace(address))
	alice := s.alice(cluster)
	written := 0
	write := func() {
		t.Helper()
		written++
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("by-alice-%d", written)}, Data: map[string]string{"a": "b"}}
		if _, err := alice.CoreV1().ConfigMaps("default").Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		file := "namespaces/default/configmap/" + object.Name + ".yaml"
		s.eventually("it is committed", func() bool { return s.tryGit("show", "main:"+file) != "" })
	}
	// An event may come after the commit on a slow machine; one that comes before is in the commit.
	byAlice := func() bool {
		return strings.Contains(s.git("log", "--format=%an|%(trailers:key=Appbur-Actor-Source,valueonly,separator=%x2C)", "main"), "alice|audit")
	}
	s.eventually("alice is the author of a commit", func() bool {
		if !byAlice() {
			write()
		}
		return byAlice()
	})

	way.cut.Store(true)
	silent := func() bool { return strings.Contains(daemon.log(), "no audit events come any more") }
	s.eventually("the silence is told", func() bool {
		if !silent() {
			ahead.Add(int64(10 * time.Second)) // what came last, maybe after the cut, is not of this change
			write()
			ahead.Add(int64(41 * time.Second))
		}
		return silent()
	})
	way.cut.Store(false)
	way.hangUp()
	s.eventually("and its end", func() bool {
		if !strings.Contains(daemon.log(), "audit events come again") {
			write()
		}
		return strings.Contains(daemon.log(), "audit events come again")
	})
	if code := daemon.stop(); code != ExitDone || strings.Count(daemon.log(), "no audit events come any more") != 1 {
		t.Errorf("run ended with %d\n%s", code, daemon.log())
	}
}

// hangUp ends the connections that were cut, as the far end does when it notices.
func (r *road) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, connection := range r.open {
		_ = connection.Close()
	}
	r.open = nil
}

func mustVersion(t *testing.T, text string) appbur.KubeVersion {
	t.Helper()
	v, err := appbur.ParseKubeVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// alice may do everything.
func (s *story) alice(cluster *testcluster.Cluster) kubernetes.Interface {
	s.Helper()
	admin, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		s.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "alice"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "alice"}},
	}
	if _, err := admin.RbacV1().ClusterRoleBindings().Create(s.Context(), binding, metav1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cluster.RESTConfigOf("alice"))
	if err != nil {
		s.Fatal(err)
	}
	return client
}
