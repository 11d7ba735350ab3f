//go:build integration

package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/faultproxy"
	"github.com/appbur/appbur/pkg/restore"
)

// selfGuarding is a webhook that judges the Deployment which answers for it.
const selfGuarding = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard, annotations: {owner: platform}}
webhooks:
- name: guard.example.org
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 1
  clientConfig: {service: {namespace: shop, name: web, port: 80}}
  namespaceSelector: {matchLabels: {team: a}}
  rules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
- name: quiet.example.org
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  timeoutSeconds: 1
  clientConfig: {service: {namespace: shop, name: web, port: 80}}
  rules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [statefulsets]}]
`

var restoredGuard = appbur.ObjectID{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration", Name: "guard"}

// answers has somebody answer for the webhook, as far as the API server knows.
const answers = `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, endpoints: [{addresses: [10.1.2.3]}],
	metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web, endpointslice.kubernetes.io/managed-by: test}}}`

// guarded is a town whose workload is judged by a webhook that it answers for itself.
type guarded struct {
	*town
	// before is the configuration as it was.
	before map[string]any
}

func newGuarded(t *testing.T, version string) *guarded {
	c := newTown(t, version)
	c.create(selfGuarding)
	c.backup(c.cluster)
	g := &guarded{town: c}
	g.before = g.configuration("guard")
	g.eventually("the webhook is called", g.refuses)
	return g
}

// configuration is one without what every write moves.
func (g *guarded) configuration(name string) map[string]any {
	g.Helper()
	object, err := g.of("ValidatingWebhookConfiguration", "").Get(g.Context(), name, metav1.GetOptions{})
	if err != nil {
		g.Fatal(err)
	}
	object.SetResourceVersion("")
	object.SetGeneration(0)
	object.SetUID("")
	object.SetCreationTimestamp(metav1.Time{})
	return object.Object
}

// refuses reports whether the webhook refuses a Deployment now.
func (g *guarded) refuses() bool {
	probe := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "probe"},
		"spec": map[string]any{
			"selector": map[string]any{"matchLabels": map[string]any{"a": "b"}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"a": "b"}},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "x", "image": "x"}}},
			},
		},
	}}
	_, err := g.of("Deployment", "shop").Create(g.Context(), probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil && !restore.IsAdmission(err) && !apierrors.IsNotFound(err) {
		g.Fatal(err)
	}
	return err != nil
}

// inForce checks that the configuration is as it was: its policies, its annotations, and who manages it.
func (g *guarded) inForce(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff(g.before, g.configuration("guard")); diff != "" {
		t.Errorf("the configuration is another one:\n%s", diff)
	}
}

// isSilent reports whether the webhook is silenced and marked.
func (g *guarded) isSilent() bool {
	is := &unstructured.Unstructured{Object: g.configuration("guard")}
	hooks, _, _ := unstructured.NestedSlice(is.Object, "webhooks")
	policy, _, _ := unstructured.NestedString(hooks[0].(map[string]any), "failurePolicy")
	return policy == "Ignore" && is.GetAnnotations()[restore.SilencedKey] == `["guard.example.org"]`
}

func (g *guarded) again(more ...string) []string {
	return append(g.on("restore", "--yes", "--undo-newer", "--silence-dead-webhooks"), more...)
}

type silencedAnswer struct {
	Admission restore.Admission        `json:"admission"`
	Silenced  []restore.SilenceOutcome `json:"silenced"`
	Counts    restore.Counts           `json:"counts"`
}

// A webhook of the target that guards the workload which answers for it, and has nobody who answers, lets
// that workload pass with --silence-dead-webhooks, and is in force again afterwards.
func TestADeadWebhookLetsItsOwnWorkloadPass(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			g := newGuarded(t, version)

			t.Run("it is told before", g.silenceIsTold)
			t.Run("until somebody answers", g.untilAnswered)
			t.Run("nobody answers in time", g.unanswered)
			t.Run("its namespace was deleted", g.namespaceDeleted)
			t.Run("only its namespace is restored", g.ofItsNamespace)
			t.Run("one that differs from the point", g.differing)
			t.Run("one that guards the Pods", g.pods)
			t.Run("one that is not in the point", g.stranger)
			t.Run("by an account that may not", g.withoutRight)
		})
	}
}

func (g *guarded) silenceIsTold(t *testing.T) {
	g.remove("Deployment", "shop", "web")
	line := "guard.example.org of ValidatingWebhookConfiguration.admissionregistration.k8s.io/guard: 1 object (Deployment.apps); failurePolicy Fail; " +
		"Service/shop/web has no endpoint that is ready"
	says(t, g.ok(g.on("plan")...), "Webhooks of the target refuse what is restored, because nobody answers for them (1)", line,
		"hint: pass --silence-dead-webhooks to let it pass until the end of the restore")
	says(t, g.ok(g.on("plan", "--silence-dead-webhooks")...),
		"Silenced until the end of the restore: webhooks of the target that nobody answers for (1)", line)
	says(t, g.ok(g.again("--dry-run")...), "Silenced until the end of the restore", "1 created", "0 failed")
	g.inForce(t)
}

// untilAnswered restores the workload, and the webhook is in force when somebody answers.
func (g *guarded) untilAnswered(t *testing.T) {
	type run struct {
		code int
		out  string
	}
	done := make(chan run, 1)
	go func() {
		code, out, errs := g.run(g.again("--json", "--wait", "10m")...)
		done <- run{code, out + errs}
	}()

	g.eventually("the workload is there", func() bool { return g.there("Deployment", "shop", "web") })
	if !g.isSilent() {
		t.Error("it is in force, and nobody answers")
	}
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
	if hooks := answer.Admission.Webhooks; len(hooks) != 1 || !hooks[0].Silence || hooks[0].Name != "guard.example.org" {
		t.Errorf("%+v", hooks)
	}
	want := []restore.SilenceOutcome{{Silenced: restore.Silenced{
		Configuration: restoredGuard, Webhooks: []string{"guard.example.org"},
	}, Result: restore.SilenceEnded}}
	if diff := cmp.Diff(want, answer.Silenced); diff != "" {
		t.Error(diff)
	}
	if answer.Counts.Created != 1 || answer.Counts.Configured != 0 {
		t.Errorf("%+v", answer.Counts)
	}
	g.inForce(t)
	g.ok(g.on("verify")...)
}

func (g *guarded) unanswered(t *testing.T) {
	g.remove("Deployment", "shop", "web")
	code, out, errs := g.run(g.again("--wait", "1s")...)
	if code != ExitPartly {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "was silenced, and is in force again with nobody who answers: guard.example.org of ",
		"Service/shop/web has no endpoint that is ready", "1 created")
	says(t, errs, "nobody answers for webhooks that are in force again")
	g.inForce(t)
	g.eventually("it is in force", g.refuses)
	report := g.restore(g.again("--json")) // a second run has nothing to write
	if report.Counts.Created+report.Counts.Configured+report.Counts.Failed > 0 {
		t.Errorf("a second run: %+v", report.Counts)
	}
}

func (g *guarded) namespaceDeleted(t *testing.T) {
	g.remove("Namespace", "", "shop")
	says(t, g.ok(g.again("--wait", "0s")...), "Service/shop/web does not exist", "was silenced, and is in force again: guard.example.org of ",
		"0 failed")
	if !g.there("Deployment", "shop", "web") {
		t.Error("the workload is missing")
	}
	g.inForce(t)
}

// ofItsNamespace has a point with the configuration, of which only the namespace is restored that answers for it.
func (g *guarded) ofItsNamespace(t *testing.T) {
	g.remove("Namespace", "", "shop")
	part := []string{"-n", "shop", "--wait", "0s"}
	code, out, _ := g.run(append(g.on("restore", "--yes", "--undo-newer"), part...)...)
	if code != ExitPartly || g.there("Deployment", "shop", "web") {
		t.Errorf("exit code %d, and the workload has passed", code)
	}
	says(t, out, "hint: pass --silence-dead-webhooks to let it pass")
	says(t, g.ok(g.again(part...)...),
		"Silenced until the end of the restore", "was silenced, and is in force again: guard.example.org of ", "0 failed")
	if !g.there("Deployment", "shop", "web") {
		t.Error("the workload is missing")
	}
	g.inForce(t)
}

// differing has a configuration that the restore changes: it ends as the point says.
func (g *guarded) differing(t *testing.T) {
	g.remove("Deployment", "shop", "web")
	patch := []byte(`[{"op": "replace", "path": "/webhooks/1/failurePolicy", "value": "Fail"}, {"op": "replace", "path": "/webhooks/0/timeoutSeconds", "value": 2}]`)
	_, err := g.of("ValidatingWebhookConfiguration", "").Patch(t.Context(), "guard", types.JSONPatchType, patch, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := g.ok(g.again("--wait", "0s", "--conflicts", "force")...)
	says(t, out, "1 created, 1 configured", "was silenced, and is in force again")
	after := g.configuration("guard")
	if diff := cmp.Diff(g.before["webhooks"], after["webhooks"]); diff != "" {
		t.Error(diff)
	}
	if g.isSilent() {
		t.Error("it is marked")
	}
	g.before = after
}

// pods restores a workload whose Pods are refused, and not the workload.
func (g *guarded) pods(t *testing.T) {
	g.create(strings.NewReplacer("name: guard,", "name: pods,", "guard.example.org", "pods.example.org", "[apps]", `[""]`, "[deployments]", "[pods]").
		Replace(selfGuarding))
	g.backup(g.cluster)
	defer func() {
		g.remove("ValidatingWebhookConfiguration", "", "pods")
		g.backup(g.cluster)
	}()
	g.remove("Deployment", "shop", "web")
	g.eventually("its Pods are gone", func() bool { return g.podCount() == 0 })
	says(t, g.ok(g.on("plan", "--silence-dead-webhooks")...),
		"pods.example.org of ValidatingWebhookConfiguration.admissionregistration.k8s.io/pods: 1 object (Pod)")

	done := make(chan int, 1)
	go func() {
		code, _, _ := g.run(g.again("--wait", "10m")...)
		done <- code
	}()
	g.eventually("there is a Pod", func() bool { return g.podCount() > 0 })
	g.create(answers)
	if code := <-done; code != ExitDone {
		t.Errorf("exit code %d", code)
	}
	g.remove("EndpointSlice", "shop", "web-1")
	g.inForce(t)
}

func (g *guarded) podCount() int {
	g.Helper()
	list, err := g.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace("shop").
		List(g.Context(), metav1.ListOptions{})
	if err != nil {
		g.Fatal(err)
	}
	return len(list.Items)
}

// stranger has a configuration that no restore would bring back: nobody silences it.
func (g *guarded) stranger(t *testing.T) {
	g.create(strings.NewReplacer("name: guard,", "name: stranger,", "guard.example.org", "stranger.example.org",
		"name: web,", "name: nobody,").Replace(selfGuarding))
	defer g.remove("ValidatingWebhookConfiguration", "", "stranger")
	g.remove("Deployment", "shop", "web")
	before := g.configuration("stranger")
	code, out, _ := g.run(g.again("--wait", "0s")...)
	if code != ExitPartly {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "Webhooks of the target refuse what is restored, because nobody answers for them (1)\n  stranger.example.org of ",
		"or restore one of both, too, with --silence-dead-webhooks", `failed calling webhook "stranger.example.org"`, "Silenced until the end of the restore")
	if diff := cmp.Diff(before, g.configuration("stranger")); diff != "" {
		t.Errorf("it was changed:\n%s", diff)
	}
	g.inForce(t)
}

// withoutRight is told which rights are missing, before anything is written.
func (g *guarded) withoutRight(t *testing.T) {
	g.eventually("only its own webhook is left", func() bool {
		code, _, _ := g.run(g.again("--wait", "0s")...)
		return code == ExitDone
	})
	g.remove("Deployment", "shop", "web")
	g.create(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: lister}, rules: [
		{apiGroups: ["*"], resources: ["*"], verbs: [get, list]},
		{apiGroups: ["", apps, coordination.k8s.io], resources: ["*"], verbs: ["*"]}]}`)
	defer g.remove("ClusterRole", "", "lister")
	g.create(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: lister}, roleRef: {apiGroup: rbac.authorization.k8s.io,
		kind: ClusterRole, name: lister}, subjects: [{kind: User, name: lister, apiGroup: rbac.authorization.k8s.io}]}`)
	defer g.remove("ClusterRoleBinding", "", "lister")

	code, out, _ := g.run("restore", "latest", "--repo", g.repo, "--keys", g.keys, "--kubeconfig", actingAs(t, g.cluster, "lister"),
		"--yes", "--undo-newer", "--silence-dead-webhooks")
	if code != ExitCredentials {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "patch validatingwebhookconfigurations.admissionregistration.k8s.io guard", "resourceNames:\n  - guard\n")
	g.inForce(t)
}

// A restore that is killed while a webhook is silent, at any request that has to do with it, leaves a mark,
// and the next restore, or its undo, has the webhook in force again.
func TestARestoreKilledWhileAWebhookIsSilent(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			g := newGuarded(t, version)
			binary, proxy := buildBinary(t), faultproxy.New(t, g.cluster.RESTConfig(), faultproxy.HTTP2)
			kubeconfig := kubeconfigOf(t, proxy.RESTConfig())
			killed := func(rule faultproxy.Rule, answered bool) bool {
				t.Helper()
				command := exec.CommandContext(t.Context(), binary, append(g.again("--wait", "0s"), "--kubeconfig", kubeconfig)...)
				rule.Fault = func(_ http.ResponseWriter, r *http.Request, forward http.Handler) {
					if answered {
						forward.ServeHTTP(httptest.NewRecorder(), r)
					}
					_ = command.Process.Kill()
					panic(http.ErrAbortHandler)
				}
				proxy.Set(rule)
				out, err := command.CombinedOutput()
				if hit := proxy.Hits(0) > 0; hit == (err == nil) {
					t.Fatalf("killed %t: %v\n%s", hit, err, out)
				}
				return err != nil
			}

			t.Run("at each write of it", func(t *testing.T) { g.killedAtEachWrite(t, killed) })
			workload := faultproxy.Rule{Times: 1, Match: func(r *http.Request) bool {
				return r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/namespaces/shop/deployments")
			}}
			t.Run("what is told", func(t *testing.T) {
				g.leftSilent(t, func() {
					t.Helper()
					if killed(workload, false); !g.isSilent() {
						t.Fatal("it is not silenced")
					}
				})
			})
		})
	}
}

// killedAtEachWrite kills a restore before and after each write of the configuration.
func (g *guarded) killedAtEachWrite(t *testing.T, killed func(faultproxy.Rule, bool) bool) {
	kills := 0
	for _, answered := range []bool{false, true} {
		for n := 0; ; n++ {
			g.remove("Deployment", "shop", "web")
			was := killed(faultproxy.Rule{After: n, Times: 1, Match: func(r *http.Request) bool {
				return r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/validatingwebhookconfigurations/")
			}}, answered)

			g.ok(g.again("--wait", "0s")...)
			if !g.there("Deployment", "shop", "web") {
				t.Fatal("the workload is missing")
			}
			is := g.configuration("guard")
			if !cmp.Equal(g.before["webhooks"], is["webhooks"]) || g.isSilent() {
				t.Fatalf("answered %t, write %d: it ended as %v", answered, n, is)
			}
			for _, manager := range (&unstructured.Unstructured{Object: is}).GetManagedFields() {
				if manager.Manager == restore.FieldManager {
					t.Errorf("answered %t, write %d: it is taken from who manages it: %s", answered, n, manager.FieldsV1)
				}
			}
			if !was {
				break
			}
			kills++
		}
	}
	if kills != 8 { // it is silenced and put in force again, and who manages it is put back after either
		t.Errorf("%d kills", kills)
	}
	g.before = g.configuration("guard")
}

// leftSilent finds what a restore left that was killed, and ends it in each way.
func (g *guarded) leftSilent(t *testing.T, killed func()) {
	g.remove("Deployment", "shop", "web")
	killed()
	says(t, g.ok(g.on("plan")...), "Still silenced by a restore that did not end (1)\n  guard.example.org of ",
		"put in force again by the next restore, at its end", "Silenced until the end of the restore", "1 would be created, 0 changed")
	says(t, g.ok(g.on("plan", "-n", "other")...), "put in force again by the next restore, before it writes")
	code, out, _ := g.run(g.on("verify")...)
	if code != ExitDifferent {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "ValidatingWebhookConfiguration.admissionregistration.k8s.io/guard", `should be "Fail", is "Ignore"`)

	says(t, g.ok(g.on("restore", "configmap/settings", "-n", "other", "--yes", "--undo-newer")...),
		"was silenced, and is in force again: guard.example.org")
	g.inForce(t)

	killed()
	says(t, g.ok("activate", "--kubeconfig", g.cluster.Kubeconfig, "--dry-run"),
		"silenced by a restore that did not end, and put in force again: guard.example.org of ")
	says(t, g.ok("activate", "--kubeconfig", g.cluster.Kubeconfig, "--yes"), "was silenced, and is in force again: guard.example.org")
	g.inForce(t)
	says(t, g.ok("activate", "--kubeconfig", g.cluster.Kubeconfig, "--yes"), "Nothing is paused by a restore.")

	killed()
	says(t, g.ok("undo", "--repo", g.repo, "--keys", g.keys, "--kubeconfig", g.cluster.Kubeconfig, "--yes"),
		"was silenced, and is in force again: guard.example.org")
	g.inForce(t)

	// What is saved while it is silent is restored as it was before.
	killed()
	g.create(shop[strings.Index(shop, "apiVersion: apps/v1"):strings.LastIndex(shop, "---")])
	g.backup(g.cluster)
	g.remove("Deployment", "shop", "web")
	g.ok(g.again("--wait", "0s")...)
	g.inForce(t)
	says(t, g.ok(g.again("--wait", "0s")...), "0 created, 0 configured")
	g.inForce(t)
}
