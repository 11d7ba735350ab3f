//go:build integration && linux

package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/appbur/appbur/internal/audit/audittest"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/internal/testrouter"
)

const (
	// serviceAddress is the clusterIP in deploy/audit/webhook.kubeconfig.
	serviceAddress = "10.96.200.20"
	namespace      = "appbur-system"
)

// Two daemons, with no other rights than `appbur rbac` prints, and an API server that finds them by the clusterIP of a Service,
// through kube-proxy, as one on the network of its machine does. Events reach whoever leads: when a leader ends, when it
// stops and wakes up again, and when it is killed. None is lost.
func TestEventsReachTheLeader(t *testing.T) {
	if !testrouter.InOwnNetwork(t) {
		return
	}
	for _, line := range []string{
		"ip link add pods type veth peer name end", "ip link set pods up", "ip link set end up", "ip addr add 10.77.3.1/24 dev pods",
		"ip addr add 10.77.3.2/24 dev pods", "ip addr add 10.77.3.3/24 dev pods", "ip route add 10.96.0.0/16 dev pods",
	} {
		words := strings.Fields(line)
		if out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	files := audittest.NewFiles(t, "../../deploy/audit", serviceAddress, "9443")
	var logs lockedText
	flags := append(files.Sends(), "--audit-webhook-initial-backoff=1s") // five tries are longer than a Lease
	h := &handOver{told: newTold(t, &logs, flags...), logs: &logs, files: files}
	h.install()
	h.proxy()

	first := h.start("first", "10.77.3.2")
	h.leadsTo("10.77.3.2")
	second := h.start("second", "10.77.3.3")
	h.knownOnce()
	before := h.dropped() // of what happened while nobody listened
	h.reaches("the first")

	h.signal(first, syscall.SIGTERM)
	h.write("while-it-ends")
	h.leadsTo("10.77.3.3")
	h.reaches("the second")
	h.within(time.Now(), "who wrote in between is known", func() bool { return h.knows("while-it-ends") })

	_ = h.start("third", "10.77.3.2")
	h.says("leader=second")
	h.stop(second)
	h.leadsTo("10.77.3.2")
	h.signal(second, syscall.SIGCONT)
	h.says("stands by", "second")
	h.reaches("the third, after the second woke up")
	h.leadsTo("10.77.3.2")

	h.signal(h.daemons["third"], syscall.SIGKILL)
	h.write("while-it-is-dead")
	h.leadsTo("10.77.3.3")
	h.reaches("the second again")
	h.within(time.Now(), "who wrote meanwhile is known", func() bool { return h.knows("while-it-is-dead") })
	if dropped := h.dropped(); dropped != before {
		t.Errorf("the API server says that it dropped events: %s, before %s", dropped, before)
	}
}

// handOver is two daemons of one repository.
type handOver struct {
	*told
	logs    *lockedText
	files   audittest.Files
	account string
	daemons map[string]*exec.Cmd
	written int
}

// install makes the Service and the account, as deploy and `appbur rbac` have them.
func (h *handOver) install() {
	h.Helper()
	objects, err := dynamic.NewForConfig(h.cluster.RESTConfig())
	if err != nil {
		h.Fatal(err)
	}
	if _, err := h.client.CoreV1().Namespaces().Create(h.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
	}, metav1.CreateOptions{}); err != nil {
		h.Fatal(err)
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "appbur-audit", Namespace: namespace},
		Spec:       corev1.ServiceSpec{ClusterIP: serviceAddress, Ports: []corev1.ServicePort{{Name: "audit", Port: 9443}}},
	}
	if _, err := h.client.CoreV1().Services(namespace).Create(h.Context(), service, metav1.CreateOptions{}); err != nil {
		h.Fatal(err)
	}

	out, err := exec.CommandContext(h.Context(), h.binary, "rbac", "--all-types", "--leader-elect", "--audit-service", "appbur-audit",
		"--namespace", namespace, "--json").Output()
	if err != nil {
		h.Fatal(err)
	}
	var list struct{ Items []unstructured.Unstructured }
	if err := json.Unmarshal(out, &list); err != nil {
		h.Fatal(err)
	}
	for _, object := range list.Items {
		version := object.GroupVersionKind().GroupVersion()
		resource := objects.Resource(version.WithResource(strings.ToLower(object.GetKind()) + "s")).Namespace(object.GetNamespace())
		if _, err := resource.Create(h.Context(), &object, metav1.CreateOptions{}); err != nil {
			h.Fatal(err)
		}
	}
	h.account, err = h.cluster.KubeconfigOf("daemon.kubeconfig", "system:serviceaccount:"+namespace+":appbur",
		"system:serviceaccounts", "system:authenticated")
	if err != nil {
		h.Fatal(err)
	}
}

// proxy starts kube-proxy, which leads from the clusterIP to what the EndpointSlice says.
func (h *handOver) proxy() {
	h.Helper()
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "here"},
		Status:     corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.77.3.1"}}},
	}
	if _, err := h.client.CoreV1().Nodes().Create(h.Context(), node, metav1.CreateOptions{}); err != nil {
		h.Fatal(err)
	}
	kubeconfig, err := h.cluster.KubeconfigOf("kube-proxy.kubeconfig", "system:kube-proxy")
	if err != nil {
		h.Fatal(err)
	}
	config := filepath.Join(h.TempDir(), "kube-proxy.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {kubeconfig: %q}
clusterCIDR: 10.77.3.0/24
hostnameOverride: here
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`, kubeconfig), 0o600); err != nil {
		h.Fatal(err)
	}
	process := exec.Command(testcluster.LocateNode(h.T, h.cluster.Version).KubeProxy, "--config="+config)
	var log lockedText
	process.Stdout, process.Stderr = &log, &log
	if err := process.Start(); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
		if h.Failed() {
			h.Log(log.String())
		}
	})
}

// start starts a daemon at an address.
func (h *handOver) start(name, address string) *exec.Cmd {
	h.Helper()
	process := exec.Command(h.binary, append([]string{
		"run", "--repo", h.repo, "--keys", h.keys, "--kubeconfig", h.account, "--quiet", "300ms", "--limit", "2s", "--leader-elect",
		"--leader-elect-resource-namespace", namespace, "--leader-elect-identity", name, "--leader-elect-lease-duration", "4s",
		"--leader-elect-renew-deadline", "3s", "--leader-elect-retry-period", "500ms", "--audit-service", "appbur-audit",
	}, h.files.Receives(net.JoinHostPort(address, "9443"))...)...)
	out := prefixed{name, h.logs}
	process.Stdout, process.Stderr = out, out
	if err := process.Start(); err != nil {
		h.Fatal(err)
	}
	if h.daemons == nil {
		h.daemons = map[string]*exec.Cmd{}
	}
	h.daemons[name] = process
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = process.Wait()
		_, _ = fmt.Fprintf(h.logs, "%s: ended: %s\n", name, process.ProcessState)
	}()
	h.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGCONT)
		_ = process.Process.Signal(syscall.SIGTERM)
		<-ended
		if h.Failed() {
			h.Log(h.logs.String())
		}
	})
	return process
}

// prefixed says whose line it is.
type prefixed struct {
	name string
	to   *lockedText
}

func (p prefixed) Write(text []byte) (int, error) {
	for line := range bytes.Lines(text) {
		if _, err := fmt.Fprintf(p.to, "%s: %s", p.name, line); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}

func (h *handOver) signal(process *exec.Cmd, signal syscall.Signal) {
	h.Helper()
	if err := process.Process.Signal(signal); err != nil {
		h.Fatal(err)
	}
}

// stop stops a process between two writes. The daemons share a disk here: in the middle of one it would keep the others out
// for as long as it sleeps, which is told elsewhere.
func (h *handOver) stop(process *exec.Cmd) {
	h.Helper()
	h.within(time.Now(), "it is between two writes", func() bool {
		h.signal(process, syscall.SIGSTOP)
		if h.unlocked() {
			return true
		}
		h.signal(process, syscall.SIGCONT)
		return false
	})
}

// unlocked reports whether nobody has locked a file of the repository.
func (h *handOver) unlocked() bool {
	h.Helper()
	names, err := filepath.Glob(filepath.Join(h.repo, "*.lock"))
	if err != nil {
		h.Fatal(err)
	}
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			continue // it was only for a moment
		}
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		_ = file.Close()
		if err != nil {
			return false
		}
	}
	return true
}

// leadsTo waits until the EndpointSlice of the Service has one endpoint, which is that.
func (h *handOver) leadsTo(address string) {
	h.Helper()
	began := time.Now()
	h.within(began, "the Service leads to "+address, func() bool {
		slice, err := h.client.DiscoveryV1().EndpointSlices(namespace).Get(h.Context(), "appbur-audit", metav1.GetOptions{})
		return err == nil && len(slice.Endpoints) == 1 && fmt.Sprint(slice.Endpoints[0].Addresses) == "["+address+"]"
	})
	h.Logf("measured: the Service leads to %s after %s", address, time.Since(began).Round(100*time.Millisecond))
}

// reaches writes, and waits until it is known who did.
func (h *handOver) reaches(whom string) {
	h.Helper()
	h.written++
	name := fmt.Sprint("written-", h.written)
	h.write(name)
	began := time.Now()
	h.within(began, "an event reaches "+whom, func() bool { return h.knows(name) })
	h.Logf("measured: an event reaches %s after %s", whom, time.Since(began).Round(100*time.Millisecond))
}

// says waits for a line of the log, of a daemon if one is named.
func (h *handOver) says(what string, whose ...string) {
	h.Helper()
	h.within(time.Now(), "it says "+what, func() bool {
		for line := range strings.Lines(h.logs.String()) {
			if strings.Contains(line, what) && strings.HasPrefix(line, strings.Join(whose, "")) {
				return true
			}
		}
		return false
	})
}
