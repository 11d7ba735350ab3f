//go:build integration

package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur/internal/faultproxy"
	"github.com/appbur/appbur/pkg/restore"
)

// guardsPods is a webhook that is called for the Pods which answer for it.
var guardsPods = strings.NewReplacer("[apps]", `[""]`, "[deployments]", "[pods]", "name: guard,", "name: guard, labels: {is: restored},").Replace(selfGuarding)

// newGuardedPods is a town with a webhook that is called for the Pods which answer for it.
func newGuardedPods(t *testing.T, version string) *guarded {
	c := newTown(t, version)
	c.create(guardsPods)
	c.backup(c.cluster)
	g := &guarded{town: c}
	g.before = g.configuration("guard")
	return g
}

// A configuration that a restore creates lets the Pods pass that answer for it, until somebody does. Its
// controllers make them at any time: here all over again, once the configuration is there.
func TestAWebhookThatIsRestoredLetsItsOwnPodsPass(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			g := newGuardedPods(t, version)
			t.Run("until somebody answers", g.podsUntilAnswered)
			t.Run("nobody answers in time", g.podsUnanswered)
			t.Run("only its Pods are missing", g.podsMissing)
			t.Run("killed at each write", g.podsKilled)
			t.Run("an answer that is lost", g.podsLostAnswer)
			t.Run("undone", g.podsUndone)
		})
	}
}

// rebuilding is a restore without further ado.
func (g *guarded) rebuilding(more ...string) []string {
	return append(g.on("restore", "--yes", "--undo-newer"), more...)
}

// lose removes the configuration and what answers for it.
func (g *guarded) lose() {
	g.remove("ValidatingWebhookConfiguration", "", "guard")
	g.remove("Deployment", "shop", "web")
	g.eventually("its Pods are gone", func() bool { return g.podCount() == 0 })
}

func (g *guarded) podsUntilAnswered(t *testing.T) {
	g.lose()
	says(t, g.ok(g.on("plan")...),
		"Created with failurePolicy Ignore, until somebody answers or the restore ends: configurations of webhooks (1)\n"+
			"  guard.example.org of ValidatingWebhookConfiguration.admissionregistration.k8s.io/guard\n")
	says(t, g.ok(g.rebuilding("--dry-run")...), "Created with failurePolicy Ignore", "2 created", "0 failed")

	type run struct {
		code int
		out  string
	}
	done := make(chan run, 1)
	go func() {
		code, out, errs := g.run(g.rebuilding("--json", "--wait", "10m")...)
		done <- run{code, out + errs}
	}()
	g.eventually("the configuration is there", func() bool { return g.there("ValidatingWebhookConfiguration", "", "guard") })
	if !g.isSilent() {
		t.Error("it is in force, and nobody answers")
	}
	g.makesPodsAgain()
	g.create(answers)
	ended := <-done
	g.remove("EndpointSlice", "shop", "web-1")
	if ended.code != ExitDone {
		t.Fatalf("exit code %d: %s", ended.code, ended.out)
	}

	var answer silencedAnswer
	if err := json.Unmarshal([]byte(ended.out), &answer); err != nil {
		t.Fatal(err)
	}
	silenced := restore.Silenced{Configuration: restoredGuard, Webhooks: []string{"guard.example.org"}}
	if diff := cmp.Diff([]restore.Silenced{silenced}, answer.Admission.Created); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]restore.SilenceOutcome{{Silenced: silenced, Result: restore.SilenceEnded}}, answer.Silenced); diff != "" {
		t.Error(diff)
	}
	if answer.Counts.Created != 2 || answer.Counts.Configured != 0 {
		t.Errorf("%+v", answer.Counts)
	}
	g.isRestored(t)
	says(t, g.ok(g.rebuilding("--wait", "0s")...), "0 created, 0 configured", "0 failed")
	g.ok(g.on("verify")...)
}

// makesPodsAgain removes the Pods once the webhook is called for Pods by all that serve it, and wants new ones.
func (g *guarded) makesPodsAgain() {
	g.Helper()
	pods := g.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace("shop")
	g.eventually("there is a Pod", func() bool { return g.podCount() > 0 })
	if err := pods.DeleteCollection(g.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil && !apierrors.IsNotFound(err) {
		g.Fatal(err)
	}
	g.eventually("there is a Pod again", func() bool { return g.podCount() > 0 })
}

// isRestored checks that the configuration is as the point says, that nothing tells of the silence, and that the
// fields which appbur has are those that it created.
func (g *guarded) isRestored(t *testing.T) {
	t.Helper()
	is := g.configuration("guard")
	if diff := cmp.Diff(g.before["webhooks"], is["webhooks"]); diff != "" {
		t.Error(diff)
	}
	raw, err := json.Marshal(is["metadata"])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), restore.SilencedKey) {
		t.Errorf("something tells of the silence: %s", raw)
	}
	if managers := is["metadata"].(map[string]any)["managedFields"].([]any); len(managers) != 1 || !strings.Contains(string(raw), `"f:failurePolicy"`) {
		t.Errorf("%d managers: %s", len(managers), raw)
	}
}

func (g *guarded) podsUnanswered(t *testing.T) {
	g.lose()
	page := filepath.Join(t.TempDir(), "restore.md")
	code, out, errs := g.run(g.rebuilding("--wait", "1s", "--report", page)...)
	if code != ExitPartly {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "was silenced, and is in force again with nobody who answers: guard.example.org of ", "2 created")
	says(t, errs, "nobody answers for webhooks that are in force again")
	g.isRestored(t)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	says(t, string(text), "## Webhooks that let pass what nobody answers for, during the restore (1)",
		"guard.example.org<br>in force again, and nobody answers: Service/shop/web has no endpoint that is ready")

	g.lose()
	says(t, g.ok(g.rebuilding("--wait", "0s")...), "was silenced, and is in force again: guard.example.org of ", "2 created")
	g.isRestored(t)
}

// podsMissing has a webhook in force that has lost the Pods which answer for it, and nothing else: a restore has
// nothing to write, and can let them pass all the same.
func (g *guarded) podsMissing(t *testing.T) {
	pods := g.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace("shop")
	g.eventually("its Pods are refused", func() bool {
		err := pods.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{})
		return err == nil && g.podCount() == 0
	})
	says(t, g.ok(g.on("plan")...), "Webhooks of the target refuse what is restored, because nobody answers for them (1)",
		"1 object (Pod)", "In the target: 0 would be created, 0 changed")

	done := make(chan int, 1)
	go func() {
		code, _, _ := g.run(g.rebuilding("--silence-dead-webhooks", "--wait", "10m")...)
		done <- code
	}()
	g.eventually("there is a Pod", func() bool { return g.podCount() > 0 })
	g.create(answers)
	if code := <-done; code != ExitDone {
		t.Errorf("exit code %d", code)
	}
	g.remove("EndpointSlice", "shop", "web-1")
	g.isRestored(t)
}

// podsKilled kills a restore before and after each write of the configuration that it creates: the next, which
// is asked for nothing, goes on, and the Pods come.
func (g *guarded) podsKilled(t *testing.T) {
	binary, proxy := buildBinary(t), faultproxy.New(t, g.cluster.RESTConfig(), faultproxy.HTTP2)
	kubeconfig := kubeconfigOf(t, proxy.RESTConfig())
	kills := 0
	for _, answered := range []bool{false, true} {
		for n := 0; ; n++ {
			g.lose()
			command := exec.CommandContext(t.Context(), binary, append(g.rebuilding("--wait", "0s"), "--kubeconfig", kubeconfig)...)
			kill := func(_ http.ResponseWriter, r *http.Request, forward http.Handler) {
				if answered {
					forward.ServeHTTP(httptest.NewRecorder(), r)
				}
				_ = command.Process.Kill()
				panic(http.ErrAbortHandler)
			}
			proxy.Set(faultproxy.Rule{After: n, Times: 1, Match: writesConfigurations, Fault: kill})
			out, err := command.CombinedOutput()
			killed := proxy.Hits(0) > 0
			if killed == (err == nil) {
				t.Fatalf("killed %t: %v\n%s", killed, err, out)
			}

			g.ok(g.rebuilding("--wait", "0s")...)
			if !g.there("Deployment", "shop", "web") {
				t.Fatal("the workload is missing")
			}
			g.isRestored(t)
			if !killed {
				break
			}
			kills++
		}
	}
	if kills != 6 { // it is created, put in force, and who manages it is put back
		t.Errorf("%d kills", kills)
	}
}

func writesConfigurations(r *http.Request) bool {
	return r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/validatingwebhookconfigurations") && r.URL.Query().Get("dryRun") == ""
}

// podsLostAnswer has a create that was done, and whose answer is lost: it is silent, and is in force in the end.
func (g *guarded) podsLostAnswer(t *testing.T) {
	proxy := faultproxy.New(t, g.cluster.RESTConfig(), faultproxy.HTTP2)
	g.lose()
	lose := func(_ http.ResponseWriter, r *http.Request, forward http.Handler) {
		forward.ServeHTTP(httptest.NewRecorder(), r)
		if !g.isSilent() {
			t.Error("it is created in force")
		}
		panic(http.ErrAbortHandler)
	}
	proxy.Set(faultproxy.Rule{Times: 1, Match: writesConfigurations, Fault: lose})
	says(t, g.ok(append(g.rebuilding("--wait", "0s"), "--kubeconfig", kubeconfigOf(t, proxy.RESTConfig()))...),
		"0 failed", "was silenced, and is in force again: guard.example.org of ")
	g.isRestored(t)
}

// podsUndone deletes a configuration and brings it back by an undo, which has the same to take care of.
func (g *guarded) podsUndone(t *testing.T) {
	g.remove("ValidatingWebhookConfiguration", "", "guard")
	g.backup(g.cluster) // a point without it
	g.create(guardsPods)
	says(t, g.ok(g.rebuilding("--whole-cluster", "--prune", "--prune-count", "1", "--wait", "0s")...), "1 deleted")
	out := g.ok("undo", "--repo", g.repo, "--keys", g.keys, "--kubeconfig", g.cluster.Kubeconfig, "--yes", "--wait", "0s")
	says(t, out, "Created with failurePolicy Ignore", "was silenced, and is in force again: guard.example.org of ", "1 created")
	if diff := cmp.Diff(g.before["webhooks"], g.configuration("guard")["webhooks"]); diff != "" {
		t.Error(diff)
	}
}
