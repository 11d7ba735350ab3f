//go:build integration

package cli

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur/internal/faultproxy"
)

// trouble is something that goes wrong between a restore and its target.
type trouble struct {
	name   string
	script func(w *killedWorld) []faultproxy.Rule
	// tells is what the report says; a restore that converges by itself says nothing.
	tells []string
}

// writes are requests that write to a resource of the namespaces of the test, or to any.
func writes(resource string) faultproxy.Match {
	return func(r *http.Request) bool {
		return r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/namespaces/trouble-") && strings.Contains(r.URL.Path, "/"+resource)
	}
}

func always(rules ...faultproxy.Rule) func(*killedWorld) []faultproxy.Rule {
	return func(*killedWorld) []faultproxy.Rule { return rules }
}

func troubles() []trouble {
	internal := faultproxy.Status(http.StatusInternalServerError, "InternalError", "etcdserver: leader changed")
	conflict := faultproxy.Status(http.StatusConflict, "Conflict", "the object has been modified")
	webhook := faultproxy.Status(http.StatusInternalServerError, "InternalError",
		`failed calling webhook "w.example.org": connect: connection refused`)
	denied := faultproxy.Status(http.StatusForbidden, "Forbidden", `admission webhook "w.example.org" denied the request: no`)
	return []trouble{
		{name: "too many requests", script: always(faultproxy.Rule{Match: writes(""), Times: 4, Fault: faultproxy.TooManyRequests(1)})},
		{name: "internal errors", script: always(faultproxy.Rule{Match: writes(""), Times: 4, Fault: internal})},
		{name: "conflicts", script: always(faultproxy.Rule{Match: writes(""), Times: 4, Fault: conflict})},
		{name: "webhooks that are not ready", script: always(faultproxy.Rule{Match: writes(""), Times: 4, Fault: webhook})},
		{
			name:   "a server that is unavailable",
			script: always(faultproxy.Rule{Match: writes(""), Times: 4, Fault: faultproxy.Unavailable()}),
		},
		{name: "connections that are reset", script: always(faultproxy.Rule{Match: writes(""), Times: 4, Fault: faultproxy.Reset()})},
		{name: "answers that break off", script: always(faultproxy.Rule{Match: writes(""), Times: 4, Fault: faultproxy.BreakOff()})},
		{
			name: "a webhook that denies", script: always(faultproxy.Rule{Match: writes("configmaps"), Fault: denied}),
			tells: []string{"failed", "ConfigMap/", "/settings", "denied the request"},
		},
		{
			name: "answers that are no JSON", script: always(faultproxy.Rule{Match: writes("configmaps"), Fault: faultproxy.Garbage()}),
			tells: []string{"failed", "/settings", "reading the answer of the server"},
		},
		{name: "a target that dies and returns", script: func(w *killedWorld) []faultproxy.Rule {
			return []faultproxy.Rule{{Match: writes(""), After: 3, Times: 1, Fault: func(http.ResponseWriter, *http.Request, http.Handler) {
				w.cluster.StopAPIServer()
				if err := w.cluster.StartAPIServer(w.Context()); err != nil {
					w.Error(err)
				}
				panic(http.ErrAbortHandler)
			}}}
		}},
	}
}

// Whatever goes wrong on the way to a real server, a restore converges, or says what it could not
// do and does it when it is run again.
func TestARestoreConvergesThroughTroubleOrTellsIt(t *testing.T) {
	w := newKilledWorld(t)
	for n, trouble := range troubles() {
		t.Run(trouble.name, func(t *testing.T) {
			args := w.restoring(fmt.Sprintf("trouble-%d", n))
			rules := trouble.script(w)
			w.proxy.Set(rules...)
			page := filepath.Join(t.TempDir(), "restore.md")
			code, out, errs := w.run(append(slices.Clone(args), "--report", page)...)
			if w.proxy.Hits(0) == 0 {
				t.Error("nothing went wrong")
			}
			w.proxy.Set()
			want := ExitDone
			if trouble.tells != nil {
				want = ExitPartly
			}
			if code != want {
				t.Errorf("exit code %d, want %d\n%s%s", code, want, out, errs)
			}
			says(t, out, trouble.tells...)
			reported, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			ended := map[bool]string{true: ": complete\n", false: "## Failed (1)"}[code == ExitDone]
			says(t, string(reported), "| objects | ", "| Recovery point | ", ended)

			w.ok(args...)
			w.ok(append([]string{"verify", "latest"}, args[2:len(args)-2]...)...)
		})
	}
	t.Run("a webhook without a backend", w.withoutBackend)
	t.Run("a webhook without a backend that guards the lock", w.guardedLock)
}

// withoutBackend has the real server call a webhook that is not there.
func (w *killedWorld) withoutBackend(t *testing.T) {
	hooks := schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
	w.made(hooks, "", `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: dead},
		webhooks: [{name: dead.example.org, clientConfig: {url: "https://127.0.0.1:1/"}, failurePolicy: Fail, sideEffects: None,
			admissionReviewVersions: [v1], namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: trouble-dead}},
			rules: [{apiGroups: [apps], apiVersions: [v1], operations: ["*"], resources: [deployments]}]}]}`)
	args := w.restoring("trouble-dead")
	code, out, errs := w.run(args...)
	if code != ExitPartly {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	says(t, out, "Deployment.apps/trouble-dead/web", "given up after", `failed calling webhook "dead.example.org"`)

	if err := w.client.Resource(hooks).Delete(t.Context(), "dead", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.eventually("the webhook is not called any more", func() bool {
		code, _, _ := w.run(slices.Clone(args)...)
		return code == ExitDone
	})
}

// guardedLock restores although a webhook that is down refuses the lock and the record: its
// backend may be what is restored.
func (w *killedWorld) guardedLock(t *testing.T) {
	hooks := schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
	w.made(hooks, "", `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: guard},
		webhooks: [{name: guard.example.org, clientConfig: {url: "https://127.0.0.1:1/"}, failurePolicy: Fail, sideEffects: None,
			admissionReviewVersions: [v1], namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}},
			rules: [{apiGroups: [coordination.k8s.io], apiVersions: [v1], operations: ["*"], resources: [leases]}]}]}`)
	w.eventually("the webhook is called", func() bool {
		code, _, errs := w.run(w.restoring("trouble-guard")...)
		return code == ExitDone && strings.Contains(errs, "no lock was taken")
	})
	if err := w.client.Resource(hooks).Delete(t.Context(), "guard", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}
