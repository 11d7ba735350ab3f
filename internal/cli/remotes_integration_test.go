//go:build integration

package cli

import (
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/internal/testremote"
)

// A backup is pushed; a remote that is not there makes it "partly" and takes
// nothing away; run pushes what it commits.
func TestBackupAndRunPush(t *testing.T) {
	s := newStory(t)
	cluster := testcluster.New(t, "1.24.17")
	disk := testremote.Bare(t)
	s.ok("init", s.repo, "--keys", s.keys)
	s.ok("remotes", "add", "disk", disk, "--repo", s.repo, "--keys", s.keys)
	gone := testremote.Bare(t)
	s.ok("remotes", "add", "gone", gone, "--repo", s.repo, "--keys", s.keys)
	if err := os.RemoveAll(gone); err != nil {
		t.Fatal(err)
	}
	backup := []string{"backup", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", cluster.Kubeconfig, "--json"}

	if code, out, errOut := s.run(backup...); code != ExitPartly || !strings.Contains(out, `"state": "not found"`) ||
		!strings.Contains(out, `"holding": 1`) {
		t.Fatalf("exit code %d\n%s\n%s", code, out, errOut)
	}
	if got, want := testremote.Git(t, disk, "tag"), strings.TrimSpace(s.git("tag")); got == "" || got != want {
		t.Errorf("the disk has the points %q, want %q", got, want)
	}
	s.git("config", "appbur.requiredRemotes", "1")
	s.ok(backup...)
	testremote.Fsck(t, disk)

	client, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	daemon := s.start(cluster)
	if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "pushed"}},
		metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually("the commit is at the remote", func() bool {
		_, err := testremote.TryGit(disk, "cat-file", "-e", "main:namespaces/default/configmap/pushed.yaml")
		return err == nil
	})
	if code := daemon.stop(); code != ExitDone {
		t.Errorf("run ended with %d\n%s", code, daemon.log())
	}
	if got, want := testremote.Git(t, disk, "rev-parse", "main"), strings.TrimSpace(s.git("rev-parse", "main")); got != want {
		t.Errorf("the disk is at %s, want %s", got, want)
	}
	testremote.Fsck(t, disk)

	t.Run("a person sees the progress of each command", func(t *testing.T) { seeClusterCommands(t, cluster) })
}
