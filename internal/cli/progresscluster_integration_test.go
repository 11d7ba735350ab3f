//go:build integration

package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
)

// seeClusterCommands runs what works on a cluster before a terminal on which everything
// seems to take long, and looks for the progress of each phase.
func seeClusterCommands(t *testing.T, cluster *testcluster.Cluster) {
	w := newSlowWorld(t)
	dir := t.TempDir()
	repo, keys := filepath.Join(dir, "mgmt.git"), filepath.Join(dir, "keys")
	client, err := kubernetes.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("seen-", i)}}
		if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}

	place := []string{"--repo", repo, "--keys", keys, "--kubeconfig", cluster.Kubeconfig}
	app := []string{"--app", "team/memory=" + serveRows(t, 20_000)}

	if code := w.run(t, "init", repo, "--keys", keys); code != ExitDone {
		t.Fatalf("exit code %d\n%s", code, w.screen.text())
	}
	w.shows(t, ExitDone, []string{
		elapsed("looking at the history"), `reading the cluster  \d+ objects, [0-9.]+/s, \d+ s so far`,
		`exporting 1 application  .*`, elapsed("committing"),
	}, append(append([]string{"backup"}, place...), app...)...)
	w.shows(t, ExitDone, []string{counted("reading the cluster", "objects")}, append(append([]string{"backup"}, place...), app...)...)

	point := []string{
		elapsed("looking for the restore point"), counted("reading the restore point", "objects"), elapsed("reading the target"),
		counted("comparing with the target", "objects"),
	}
	w.shows(t, ExitDone, point, append([]string{"plan", "latest"}, place...)...)
	state := []string{`exporting again team/memory  .*`, sized("comparing the state of team/memory")}
	applied := slices.Concat(point, []string{counted("restoring", "steps"), `importing team/memory  .*`}, state)
	w.shows(t, ExitDone, applied, append(append([]string{"restore", "latest", "--yes", "--undo-newer"}, place...), app...)...)
	compared := append(state, counted("comparing with the cluster", "objects"))
	w.shows(t, ExitDone, compared, append(append([]string{"verify", "latest"}, place...), app...)...)
}
