//go:build integration && linux

package recipes

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/appbur/appbur/adapters/exec"
	"github.com/appbur/appbur/internal/podexec"
	"github.com/appbur/appbur/internal/testnode"
)

const podImage = "appbur.test/programs:1"

// programsImage has what the images of Redis and etcd have: the program, its client, and a small system.
func programsImage(t *testing.T) *testnode.Image {
	t.Helper()
	usr := filepath.Join(unpackedDir(t), "usr")
	image := testnode.NewImage(podImage).Program(t, "/bin/sh", "/bin/cat", "/bin/dd", "/bin/grep", "/bin/rm", "/bin/sleep", "/usr/bin/head")
	// The server is a link to the second, as Debian has it.
	for _, name := range []string{"redis-server", "redis-check-rdb", "redis-cli"} {
		image.Copy(t, filepath.Join(usr, "bin", name), "/usr/bin/"+name).Libraries(t, filepath.Join(usr, "bin", name))
	}
	libraries, err := filepath.Glob(filepath.Join(usr, "lib", "*-linux-gnu", "lib*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, library := range libraries {
		system := strings.TrimPrefix(filepath.Dir(library), unpackedDir(t))
		image.Copy(t, library, filepath.Join(system, filepath.Base(library))).Libraries(t, library)
	}

	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return image.Copy(t, filepath.Join(cache, "appbur", "kube", "1.37.1", "etcd"), "/usr/bin/etcd").
		Copy(t, filepath.Join(unpackedDir(t), "go", "etcdctl"), "/usr/bin/etcdctl")
}

// TestInPods runs the commands of recipes where they are for: in containers under containerd and a kubelet, started by
// the API server.
func TestInPods(t *testing.T) {
	node := testnode.New(t)
	node.Import(t, programsImage(t))
	core, err := typedcorev1.NewForConfig(node.Cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}

	for _, program := range []struct {
		name, dataset string
		command       string
		env           []corev1.EnvVar
		fill, foreign []string
		left          []string // prints what is there
	}{
		{
			name: "redis", dataset: "keys", command: `exec redis-server --save "" --requirepass "$REDIS_PASSWORD"`,
			env:     []corev1.EnvVar{{Name: "REDIS_PASSWORD", Value: "of the chart"}},
			fill:    []string{"sh", "-c", `REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli RPUSH list "Grüße" two`},
			foreign: []string{"sh", "-c", `REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli SET foreign row`},
			left:    []string{"sh", "-c", `REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli KEYS '*'`},
		},
		{
			name: "etcd", dataset: "keys", command: "exec etcd --data-dir /tmp/etcd",
			fill:    []string{"etcdctl", "put", "/app/key", "Grüße"},
			foreign: []string{"etcdctl", "put", "/foreign", "row"},
			left:    []string{"etcdctl", "get", "", "--from-key", "--keys-only"},
		},
	} {
		t.Run(program.name, func(t *testing.T) {
			run := func(which string, say []string) (*corev1.Pod, *exec.Adapter) {
				pod := node.Run(t, &corev1.Pod{
					ObjectMeta: metav1.ObjectMeta{Name: program.name + "-" + which},
					Spec: corev1.PodSpec{Containers: []corev1.Container{{
						Name: program.name, Image: podImage, Command: []string{"sh", "-c", program.command}, Env: program.env,
					}}},
				})
				node.Eventually(t, program.name+" takes a command", func() error {
					_, _, err := node.Exec(t, pod, "", nil, say...)
					return err
				})
				return pod, inPod(t, program.name, podexec.NewContainer(node.Cluster.RESTConfig(), core, pod, program.name))
			}
			_, from := run("old", program.fill)
			pod, to := run("new", program.foreign)

			saved := export(t, from)
			refused(t, to, program.dataset, "cut off", saved[program.dataset][:len(saved[program.dataset])/2])
			if err := load(t, to, saved); err != nil {
				t.Fatal(err)
			}
			same(t, saved, export(t, to))
			if left, errs, err := node.Exec(t, pod, "", nil, program.left...); err != nil || strings.Contains(left, "foreign") {
				t.Errorf("what was there before is there: %s, %s, %v", left, errs, err)
			}
		})
	}
}

// inPod makes an application of a recipe whose commands run in a container.
func inPod(t *testing.T, name string, container podexec.Container) *exec.Adapter {
	t.Helper()
	program, err := exec.ParseProgram(read(t, name))
	if err != nil {
		t.Fatal(err)
	}
	runner := podexec.Runner{
		Executor: container, Shell: program.Shell, PayloadDir: program.PayloadDir,
		Lease: program.Lease, RestLimit: program.RestLimit, Random: rand.Reader,
	}
	if chosen, err := program.Chosen(t.Context(), runner); err != nil || !chosen {
		t.Fatalf("the recipe does not choose this pod: %v", err)
	}
	a, err := exec.OpenOn(t.Context(), program.Config, runner)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}
