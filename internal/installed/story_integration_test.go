//go:build integration && linux

package installed

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur/internal/testimage"
	"github.com/appbur/appbur/internal/testnode"
)

// The image, installed by `kubectl apply -k`, elects, watches, finds an application by its label, makes points on
// schedule, pushes them to a Git server in the cluster, and goes on when its leader is gone, when keys are rotated, and
// when its disk was full. A fresh cluster is rebuilt from that server alone.
func TestTheInstallationOnRealPods(t *testing.T) {
	image, application := testimage.Build(t), buildFleet(t)
	node := testnode.New(t)
	node.Import(t, application)
	forge := startGitServer(t, node)
	fleet := startFleet(t, node)
	i := install(t, node, forge, image, fleet.callers)
	i.ready(t)

	t.Run("the pods are restricted", i.restricted)
	t.Run("a point is made on schedule", func(t *testing.T) { i.pointWith(t, fleet, "acme-2") })
	t.Run("another pod takes over", func(t *testing.T) {
		gone := i.leader(t)
		if err := node.Client.CoreV1().Pods(namespace).Delete(t.Context(), gone, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		node.Eventually(t, "another pod leads", func() error {
			if now := i.leader(t); now == "" || now == gone {
				return fmt.Errorf("%q does", now)
			}
			return nil
		})
		i.pointWith(t, fleet, "acme-3")
		i.ready(t)
	})
	t.Run("who can decrypt is changed", i.recipients)
	t.Run("keys are replaced", func(t *testing.T) { i.keysReplaced(t, fleet) })
	t.Run("the disk is full", func(t *testing.T) { i.fullDisk(t, fleet) })
	t.Run("it is well, and lacks nothing", i.well)
	t.Run("a fresh cluster", func(t *testing.T) { i.rebuild(t, application, fleet) })
}

// pointWith changes the application, and waits until the server has a complete point with the change.
func (i *installation) pointWith(t *testing.T, f *fleet, id string) {
	t.Helper()
	f.addCluster(t, id)
	i.node.Eventually(t, "the Git server has a point with "+id, func() error {
		if state := i.state(t); !strings.Contains(state, id) {
			return fmt.Errorf("the newest has %s\n%s", state, i.said(t))
		}
		return nil
	})
}

// state is what the newest point at the server has of the application.
func (i *installation) state(t *testing.T) string {
	t.Helper()
	points := i.forge.points(t)
	if len(points) == 0 {
		return ""
	}
	return i.forge.git(t, "grep", "-h", `"id"`, points[0], "--", "apps/fleet-system/fleet/clusters")
}

// restricted looks at the pod from inside and from outside.
func (i *installation) restricted(t *testing.T) {
	pod := &i.pods(t)[0]
	out, _, err := i.node.Exec(t, pod, "", nil, i.image.Config.Entrypoint[0], "version")
	if err != nil || !strings.Contains(out, testimage.Version) {
		t.Errorf("%s, %v", out, err)
	}
	_, errs, err := i.node.Exec(t, pod, "", nil, i.image.Config.Entrypoint[0], "init", "/usr/local/mgmt.git", "--keys", "/tmp/keys")
	if err == nil || !strings.Contains(errs, "read-only file system") {
		t.Errorf("the root can be written: %v, %s", err, errs)
	}

	privileged := true
	_, err = i.node.Client.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "privileged"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "main", Image: i.image.Name, SecurityContext: &corev1.SecurityContext{Privileged: &privileged},
		}}},
	}, metav1.CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), "violates PodSecurity") {
		t.Errorf("the namespace takes any pod: %v", err)
	}
}

// well asks from outside, with the keys of the machine, and reads what the pods have logged.
func (i *installation) well(t *testing.T) {
	i.node.Eventually(t, "all is well", func() error {
		_, err := i.appbur(t, "status", "--repo", i.forge.url, "--keys", i.keys, "--kubeconfig", i.node.Cluster.Kubeconfig)
		return err
	})
	for line := range strings.Lines(i.said(t)) {
		if !strings.Contains(line, `"level":"INFO"`) && lacks.MatchString(line) {
			t.Errorf("a pod lacks something: %s", line)
		}
	}
}

// lacks is how a log would say that something of the installation is missing.
var lacks = regexp.MustCompile(`(?i)forbidden|may not|read-only|denied|no such file|others than its owner`)

// rebuild restores a fresh cluster from the server, on a machine that has the keys and nothing else.
func (i *installation) rebuild(t *testing.T, application *testnode.Image, before *fleet) {
	fresh := testnode.New(t)
	fresh.Import(t, application)
	fresh.ImportTarball(t, i.image.Tarball)
	repo := filepath.Join(t.TempDir(), "mgmt.git")
	i.ok(t, "clone", i.forge.url, repo, "--keys", i.keys, "--credentials", i.forge.credentials(t))

	i.ok(t, "restore", "latest", "--repo", repo, "--keys", i.keys, "--kubeconfig", fresh.Cluster.Kubeconfig, "--yes",
		"--find-apps", "--app-cert", filepath.Join(before.callers, "tls.crt"), "--app-key", filepath.Join(before.callers, "tls.key"))
	refused, err := i.appbur(t, "run", "--repo", repo, "--keys", i.keys, "--kubeconfig", fresh.Cluster.Kubeconfig)
	if err == nil || !strings.Contains(err.Error(), "--adopt-cluster") {
		t.Errorf("a daemon goes on with the history of another cluster: %v\n%s", err, refused)
	}
	after := &fleet{node: fresh}
	after.ready(t)
	if was, is := before.clusters(t), after.clusters(t); was != is || !strings.Contains(is, "acme-3") {
		t.Errorf("the application had\n%s\nand has\n%s", was, is)
	}
}
