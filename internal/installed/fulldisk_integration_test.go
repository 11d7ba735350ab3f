//go:build integration && linux

package installed

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur/internal/testnode"
)

// fullDisk takes all room of the leader's volumes. It says so, by its log, its metrics and its readiness, and loses
// nothing: once there is room, all that has changed meanwhile is committed, and the next point has it.
func (i *installation) fullDisk(t *testing.T, f *fleet) {
	leader := i.pod(t, i.leader(t))
	free := i.fill(t, leader)
	defer free()
	i.create(t, "while-the-disk-is-full")
	f.addCluster(t, "acme-full")

	for _, what := range []string{"the disk is full; what was seen is kept", "no restore point was made"} {
		i.node.Eventually(t, "the leader says: "+what, func() error {
			said := i.node.Logs(t, leader, "")
			for line := range strings.Lines(said) {
				if strings.Contains(line, what) && strings.Contains(line, "no space left on device") && strings.Contains(line, `"hint":"`) {
					return nil
				}
			}
			return fmt.Errorf("it says\n%s", said)
		})
	}
	i.node.Eventually(t, "it is not ready", func() error {
		if testnode.Ready(i.pod(t, leader.Name)) {
			return errors.New("it is")
		}
		return nil
	})
	if metrics := i.metrics(t, leader); !strings.Contains(metrics, `appbur_failures_total{operation="commit"`) {
		t.Errorf("the metrics count no commit that failed:\n%s", metrics)
	}
	if text := i.forge.git(t, "ls-tree", "-r", "--name-only", "main"); strings.Contains(text, "while-the-disk-is-full") {
		t.Error("the disk was not full")
	}

	free()
	i.node.Eventually(t, "it is ready again", func() error {
		if now := i.pod(t, leader.Name); !testnode.Ready(now) || now.Status.ContainerStatuses[0].RestartCount > 0 {
			return fmt.Errorf("%+v\n%s", now.Status, i.node.Logs(t, leader, ""))
		}
		return nil
	})
	i.change(t, "after-the-disk-was-full")
	if text := i.forge.git(t, "ls-tree", "-r", "--name-only", "main"); !strings.Contains(text, "while-the-disk-is-full") {
		t.Errorf("what was changed meanwhile is lost; there are\n%s", text)
	}
	i.ok(t, "backup", "--in-cluster", "--kubeconfig", i.node.Cluster.Kubeconfig) // a schedule would wait for a minute
	if state := i.state(t); !strings.Contains(state, "acme-full") {
		t.Errorf("the newest point has %s", state)
	}
	i.forge.git(t, "fsck", "--strict", "--full")
}

// fill takes all room in the volumes of a pod, to the last byte, also what the pod gives up meanwhile, and returns what gives
// it back.
func (i *installation) fill(t *testing.T, pod *corev1.Pod) (free func()) {
	t.Helper()
	var taking sync.WaitGroup
	stop := make(chan struct{})
	var ballast []*os.File
	for _, volume := range []string{"repository", "tmp"} {
		name := filepath.Join(i.node.Path("/var/lib/kubelet/pods"), string(pod.UID), "volumes/kubernetes.io~empty-dir", volume, "ballast")
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		ballast = append(ballast, file)
		if err := takeAll(file); err != nil {
			t.Fatal(err)
		}
		taking.Go(func() {
			again := time.NewTicker(10 * time.Millisecond)
			defer again.Stop()
			for {
				select {
				case <-again.C:
					if err := takeAll(file); err != nil {
						t.Error(err)
						return
					}
				case <-stop:
					return
				}
			}
		})
	}
	return sync.OnceFunc(func() {
		close(stop)
		taking.Wait()
		for _, file := range ballast {
			if err := errors.Join(file.Close(), os.Remove(file.Name())); err != nil {
				t.Error(err)
			}
		}
	})
}

// takeAll writes until nothing more can be written.
func takeAll(file *os.File) error {
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (i *installation) pod(t *testing.T, name string) *corev1.Pod {
	t.Helper()
	pod, err := i.node.Client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// metrics asks a pod as Prometheus does.
func (i *installation) metrics(t *testing.T, pod *corev1.Pod) string {
	t.Helper()
	answer, err := http.Get("http://" + pod.Status.PodIP + ":9420/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
