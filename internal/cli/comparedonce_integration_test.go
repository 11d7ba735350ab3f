//go:build integration

package cli

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/appbur/appbur/internal/faultproxy"
)

// A plan for the cluster that the point was taken of says what changed there since, what a
// restore would do, and in which fields. It compares the two once for all of that.
func TestAPlanComparesTheTargetOnce(t *testing.T) {
	t.Parallel()
	c := newTown(t, "1.37.1")
	c.newer()
	proxy := faultproxy.New(t, c.cluster.RESTConfig(), faultproxy.HTTP2)
	var mu sync.Mutex
	reads := map[string]int{}
	proxy.Set(faultproxy.Rule{Match: faultproxy.Any, Fault: func(out http.ResponseWriter, r *http.Request, forward http.Handler) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/configmaps") {
			mu.Lock()
			reads[r.URL.String()]++
			mu.Unlock()
		}
		forward.ServeHTTP(out, r)
	}})

	target := []string{"--repo", c.repo, "--keys", c.keys, "--kubeconfig", kubeconfigOf(t, proxy.RESTConfig())}
	out := c.ok(append([]string{"plan", "latest"}, target...)...)
	for _, want := range []string{
		"a restore would undo what is newer: 1 changed (ConfigMap/other/settings)", "0 would be created, 1 changed,",
		"Conflicts: others manage fields that differ, and a restore fails for these objects (1)\n  ConfigMap/other/settings: data.colour (cli.test)\n",
		"  shop (5): 1 ConfigMap, ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the plan does not say %q:\n%s", want, out)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(reads) == 0 {
		t.Error("no ConfigMap was compared")
	}
	for url, n := range reads {
		if n > 1 {
			t.Errorf("%s was read %d times", url, n)
		}
	}
}

// The dry runs that find out which fields cannot be changed are made of what differs alone.
func TestADiffTriesWhatDiffersOnly(t *testing.T) {
	t.Parallel()
	c := newTown(t, "1.37.1")
	c.newer()
	proxy := faultproxy.New(t, c.cluster.RESTConfig(), faultproxy.HTTP2)
	var mu sync.Mutex
	tried := map[string]bool{}
	proxy.Set(faultproxy.Rule{
		Match: func(r *http.Request) bool { return r.URL.Query().Has("dryRun") },
		Fault: func(out http.ResponseWriter, r *http.Request, forward http.Handler) {
			mu.Lock()
			tried[r.URL.Path] = true
			mu.Unlock()
			forward.ServeHTTP(out, r)
		},
	})

	target := []string{"--repo", c.repo, "--keys", c.keys, "--kubeconfig", kubeconfigOf(t, proxy.RESTConfig())}
	out := c.ok(append([]string{"plan", "latest", "--diff"}, target...)...)
	if want := `data.colour: should be "blue", is "green"`; !strings.Contains(out, want) {
		t.Errorf("the plan does not say %q:\n%s", want, out)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(tried) != 1 || !tried["/api/v1/namespaces/other/configmaps/settings"] {
		t.Errorf("dry runs of %v", tried)
	}
}

// The graph of a plan shows the order in which its steps can be done.
func TestAFullPlanShowsTheGraph(t *testing.T) {
	t.Parallel()
	c := newTown(t, "1.37.1")
	out := c.ok(c.on("plan", "-n", "shop", "--full")...)
	var at int
	for _, want := range []string{
		"\nwave 1: ", " apply Namespace/shop v1\n", "\nwave 2: ", " apply ServiceAccount/shop/web v1, needs #1", " barrier, after #",
		" apply Deployment.apps/shop/web apps/v1, needs #1", "In the target: 0 would be created",
	} {
		next := strings.Index(out[at:], want)
		if next < 0 {
			t.Fatalf("the graph does not go on with %q:\n%s", want, out)
		}
		at += next
	}
}
