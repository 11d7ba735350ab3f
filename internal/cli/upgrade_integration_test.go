//go:build integration

package cli

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/internal/testcluster/kubebuild"
	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
	"github.com/appbur/appbur/pkg/restore"
)

// TestAnUpgradeFollowsItsPlan goes from Kubernetes 1.24 to 1.37 by the commands of the plan, as it prints them. Each is run
// twice, since each promises that it can be repeated.
func TestAnUpgradeFollowsItsPlan(t *testing.T) {
	y := newYard(t, "1.24.17")
	newer := testcluster.New(t, "1.37.1")
	rules := y.target[len(y.target)-1]
	t.Chdir(t.TempDir())
	for name, file := range map[string]string{"old.yaml": y.cluster.Kubeconfig, "new.yaml": newer.Kubeconfig, "rules.yaml": rules} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, name, string(data))
	}
	y.ok("remotes", "add", "origin", testremote.Bare(t), "--repo", y.repo, "--keys", y.keys)
	oldApp, newApp := serveRows(t, 50), serveRowsTo(t, "2.0.0")
	y.ok("backup", "--repo", y.repo, "--keys", y.keys, "--kubeconfig", "old.yaml", "--app", "team/rows="+oldApp)

	var plan upgradeAnswer
	said := y.ok("upgrade", "plan", "--to", "1.37", "--repo", y.repo, "--keys", y.keys, "--pause-rules", "rules.yaml",
		"--app", "team/rows="+newApp, "--json")
	if err := json.Unmarshal([]byte(said), &plan); err != nil {
		t.Fatal(err)
	}
	if len(plan.Obstacles)+len(plan.Unknown) > 0 || len(plan.Apps) != 1 || plan.Apps[0].New != "example.com 2.0.0" {
		t.Fatalf("%s", said)
	}

	check := map[string]func(){
		"pause": func() { y.all(t, true) },
		"restore": func() {
			y.suspended(t, newer, true)
			y.all(t, true)
		},
		"release": func() {
			y.suspended(t, newer, false)
			y.all(t, true)
		},
		"adopt": func() {
			shown := y.ok("points", "show", "latest", "--repo", y.repo, "--keys", y.keys, "--json")
			if strings.Contains(shown, plan.Cluster) || !strings.Contains(shown, `"1.37.1"`) {
				t.Errorf("the newest point is of another cluster: %s", shown)
			}
		},
	}
	for _, step := range plan.Steps {
		for range 2 {
			for _, command := range step.Commands {
				out := y.ok(y.typed(t, command, oldApp)...)
				if step.ID == "pause" && strings.Contains(command, "--dry-run") {
					says(t, out, "Nothing acts that is not paused.")
				}
			}
		}
		if is := check[step.ID]; is != nil {
			is()
		}
	}

	// The way back of the pause, which nobody needs here.
	y.ok(y.activate("--yes")...)
	y.all(t, false)
}

// typed is a command as a plan prints it, with the consent that a person would give.
func (y *yard) typed(t *testing.T, command, oldApp string) []string {
	t.Helper()
	words := strings.Fields(strings.ReplaceAll(command, "=ADDRESS", "="+oldApp))
	for i := range words {
		words[i] = strings.Trim(words[i], "'")
	}
	if words[0] != "appbur" {
		t.Fatalf("%q is no command of appbur", command)
	}
	words = words[1:]
	if slices.Contains(words, "--repo") {
		words = append(words, "--keys", y.keys)
	}
	if words[0] == "drill" {
		built, err := kubebuild.CacheDir() // the environment of the test has no HOME to look in
		if err != nil {
			t.Fatal(err)
		}
		words = append(words, "--servers", built)
	}
	switch dry := slices.Contains(words, "--dry-run"); {
	case words[0] == "activate" && !dry:
		words = append(words, "--yes", "--wait", "0s") // nobody makes sources of Flux ready here
	case words[0] == "restore", words[0] == "pause" && !dry:
		words = append(words, "--yes")
	}
	return words
}

// suspended says whether the schedule waits in another cluster.
func (y *yard) suspended(t *testing.T, c *testcluster.Cluster, want bool) {
	t.Helper()
	client, err := dynamic.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	schedules := client.Resource(schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "cronjobs"}).Namespace("mgmt")
	live, err := schedules.Get(t.Context(), "minutely", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got, _, _ := unstructured.NestedBool(live.Object, "spec", "suspend")
	if _, marked := live.GetAnnotations()[restore.PausedKey]; got != want || marked != want {
		t.Errorf("suspended: %t, marked: %t, want %t", got, marked, want)
	}
}

// serveRowsTo serves a newer version of the application of serveRows, which has nothing yet.
func serveRowsTo(t *testing.T, version string) (address string) {
	t.Helper()
	return serveApp(t, "unix://"+filepath.Join(t.TempDir(), "s"), contracttest.NewMemory(nil), contract.Options{
		ID: "example.com", Version: version, Log: slog.New(slog.DiscardHandler), SpoolDir: t.TempDir(),
		Datasets: []contract.Dataset{{Name: "rows", Schema: "1.0", Key: []string{"id"}, Clear: true}},
	})
}
