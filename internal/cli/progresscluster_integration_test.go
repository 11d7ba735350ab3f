//go:build integration

package cli

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// seeClusterCommands runs what works on a cluster before a terminal on which everything
// seems to take long, and looks for the progress of each phase.
func seeClusterCommands(t *testing.T, cluster *testcluster.Cluster) {
	w := newSlowWorld(t)
	dir := t.TempDir()
	repo, keys := filepath.Join(dir, "mgmt.git"), filepath.Join(dir, "keys")
	rows := make([]contract.Row, 20_000)
	for i := range rows {
		rows[i] = contract.Row(fmt.Sprintf(`{"id":%d,"text":%q}`, i, strings.Repeat("x", 100)))
	}
	address := serveApp(t, "unix://"+filepath.Join(dir, "s"), contracttest.NewMemory(map[string][]contract.Row{"rows": rows}), contract.Options{
		ID: "example.com", Version: "1.0.0", Log: slog.New(slog.DiscardHandler), SpoolDir: t.TempDir(),
		Datasets: []contract.Dataset{{Name: "rows", Schema: "1.0", Key: []string{"id"}, Clear: true}},
	})
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
	app := []string{"--app", "team/memory=" + address}

	if code := w.run(t, "init", repo, "--keys", keys); code != ExitDone {
		t.Fatalf("exit code %d\n%s", code, w.screen.text())
	}
	w.shows(t, ExitDone, []string{
		elapsed("looking at the history"), `reading the cluster  \d+ objects, [0-9.]+/s, \d+ s so far`, `exporting 1 application  .*`, elapsed("committing"),
	}, append(append([]string{"backup"}, place...), app...)...)
	w.shows(t, ExitDone, []string{counted("reading the cluster", "objects")}, append(append([]string{"backup"}, place...), app...)...)

	point := []string{
		elapsed("looking for the restore point"), counted("reading the restore point", "objects"), elapsed("asking the target"),
		counted("looking for what changed in the target", "objects"),
	}
	w.shows(t, ExitDone, point, append([]string{"plan", "latest"}, place...)...)
	applied := append(point, counted("restoring", "steps"), `importing team/memory  .*`, `exporting again team/memory  .*`, sized("comparing the state of team/memory"))
	w.shows(t, ExitDone, applied, append(append([]string{"restore", "latest", "--yes", "--undo-newer"}, place...), app...)...)
	compared := []string{counted("comparing with the cluster", "objects"), `exporting again team/memory  .*`, sized("comparing the state of team/memory")}
	w.shows(t, ExitDone, compared, append(append([]string{"verify", "latest"}, place...), app...)...)
}
