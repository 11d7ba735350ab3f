//go:build linux

package testnode

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/internal/testcluster/kubebuild"
)

// Version is the release of nodes and their control planes: the newest one of hack/kube.
const Version = "1.37.1"

// Node is a cluster with one node, which runs pods.
type Node struct {
	// Cluster is the control plane. Its API server listens where pods reach it.
	Cluster *testcluster.Cluster
	// Client is the administrator's.
	Client kubernetes.Interface
	// Name is that of the Node object.
	Name string

	dir       string
	tools     tools
	programs  kubebuild.NodeBinaries
	net       network
	cgroup    cgroup
	namespace *namespace
	servers   []*server
}

// New starts a cluster with a node for a test. It fails the test where pods cannot run.
func New(t testing.TB) *Node {
	t.Helper()
	version, err := appbur.ParseKubeVersion(Version)
	if err != nil {
		t.Fatal(err)
	}
	n := &Node{Name: "node", tools: findTools(t), programs: testcluster.LocateNode(t, version)}
	n.net = newNetwork(t)
	n.Cluster = testcluster.NewWith(t, testcluster.Options{Version: version, Address: n.net.host, Services: n.net.services})
	if n.Client, err = kubernetes.NewForConfig(n.Cluster.RESTConfig()); err != nil {
		t.Fatal(err)
	}
	n.dir = filepath.Join(n.Cluster.Dir, "node")
	if err := os.Mkdir(n.dir, 0o755); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(n.forget(t))
	n.cgroup = newCgroup(t, n.net.link)
	n.namespace = newNamespace(t, n.dir, n.tools.path)
	n.net.connect(t, n.namespace)
	n.servers = append(n.servers, n.startContainerd(t))
	n.servers = append(n.servers, n.startKubelet(t), n.startProxy(t), n.startScheduler(t))

	n.Eventually(t, "the node is ready", func() error {
		node, err := n.Client.CoreV1().Nodes().Get(t.Context(), n.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue && len(node.Spec.Taints) == 0 {
				return nil
			}
		}
		return fmt.Errorf("it has %+v, and taints %v", node.Status.Conditions, node.Spec.Taints)
	})
	return n
}

// forget removes what pods and images left when all has ended. Logs are kept with those of a cluster whose test failed.
func (n *Node) forget(t testing.TB) func() {
	return func() {
		for _, s := range n.servers {
			<-s.ended
		}
		if t.Failed() {
			t.Logf("the logs of the node are in %s", n.dir)
		}
		for _, dir := range []string{"containerd", "var/lib", "run", "images"} {
			if err := os.RemoveAll(filepath.Join(n.dir, dir)); err != nil {
				t.Error(err)
			}
		}
	}
}

// Path is where this machine has a file of the node, such as the volumes of its pods below /var/lib/kubelet.
func (n *Node) Path(file string) string {
	return filepath.Join("/proc", n.namespace.pid(), "root", file)
}

// patience bounds what takes seconds on a quiet machine, because test machines are not quiet.
const patience = 3 * time.Minute

// Eventually tries until it succeeds, or until a server has ended.
func (n *Node) Eventually(t testing.TB, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		last := try()
		if last == nil {
			return
		}
		for _, s := range n.servers {
			select {
			case <-s.ended:
				t.Fatalf("%s: %s has ended (%s)\n%s", what, s.name, s.cmd.ProcessState, n.said(s.name))
			default:
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v\n%s", what, patience, last, n.said("kubelet"))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// said is the end of a server's log.
func (n *Node) said(server string) string {
	text, _ := os.ReadFile(filepath.Join(n.dir, server+".log"))
	return string(text[max(0, len(text)-8000):])
}

// ctr asks containerd.
func (n *Node) ctr(words ...string) error {
	inside := n.namespace.enter(append([]string{
		filepath.Join(n.tools.containerd, "ctr"), "--address", containerdSocket, "--namespace", "k8s.io",
	}, words...)...)
	if out, err := exec.Command(inside[0], inside[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("ctr %s: %w\n%s", strings.Join(words, " "), err, out)
	}
	return nil
}
