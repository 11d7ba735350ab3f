//go:build integration

package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

// acting are objects that controllers act on, of real definitions where they are custom. Objects
// whose name begins with "quiet" are paused in the source.
const acting = `
{apiVersion: batch/v1, kind: CronJob, metadata: {name: minutely, namespace: mgmt}, spec: {schedule: "* * * * *",
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: x, image: x}]}}}}}}
---
{apiVersion: batch/v1, kind: CronJob, metadata: {name: quiet, namespace: mgmt}, spec: {schedule: "* * * * *", suspend: true,
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: x, image: x}]}}}}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: running, namespace: mgmt},
  spec: {template: {spec: {restartPolicy: Never, containers: [{name: x, image: x}]}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: widgets, namespace: mgmt}, spec: {replicas: 3, selector: {matchLabels: {a: b}},
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: x, image: x}]}}}}
---
{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: fleet, namespace: mgmt},
  spec: {interval: 1m, url: "https://example.org/fleet", suspend: false}}
---
{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: fleet, namespace: mgmt},
  spec: {interval: 1m, prune: true, sourceRef: {kind: GitRepository, name: fleet}}}
---
{apiVersion: helm.toolkit.fluxcd.io/v2beta1, kind: HelmRelease, metadata: {name: quiet, namespace: mgmt},
  spec: {interval: 1m, suspend: true, chart: {spec: {chart: x, sourceRef: {kind: HelmRepository, name: x}}}}}
---
{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: web, namespace: mgmt}, spec: {project: default,
  source: {repoURL: "https://example.org/web"}, destination: {name: in-cluster}, syncPolicy: {automated: {prune: true, selfHeal: true}}}}
---
{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, metadata: {name: all, namespace: mgmt}, spec: {generators: [{list: {}}],
  template: {metadata: {name: x}, spec: {project: default, source: {repoURL: "https://example.org"}, destination: {name: in-cluster}}}}}
---
{apiVersion: cluster.x-k8s.io/v1beta1, kind: Cluster, metadata: {name: payments, namespace: mgmt}, spec: {}}
---
{apiVersion: cluster.x-k8s.io/v1beta1, kind: MachineDeployment, metadata: {name: payments, namespace: mgmt}, spec: {clusterName: payments,
  selector: {}, template: {spec: {clusterName: payments, bootstrap: {dataSecretName: x}, infrastructureRef: {}}}}}
---
{apiVersion: cluster.x-k8s.io/v1beta1, kind: Machine, metadata: {name: payments-0, namespace: mgmt, annotations: {keep: me}},
  spec: {clusterName: payments, bootstrap: {dataSecretName: x}, infrastructureRef: {}}}
---
{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: web, namespace: mgmt}, spec: {scaleTargetRef: {name: widgets},
  triggers: [{type: cron, metadata: {a: b}}]}}
---
{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: web, namespace: mgmt},
  spec: {secretName: web-tls, issuerRef: {name: ca}, dnsNames: [example.org]}}
---
{apiVersion: v1, kind: Secret, metadata: {name: web-tls, namespace: mgmt}, stringData: {tls.key: x}}
---
{apiVersion: s3.aws.example.org/v1beta1, kind: Bucket, metadata: {name: archive}, spec: {forProvider: {region: x}}}
`

// pausedFields are the fields that pause, with the values while paused and in the source.
var pausedFields = []struct{ object, path, paused, before string }{
	{"CronJob/minutely", "spec.suspend", "true", "false"},
	{"CronJob/quiet", "spec.suspend", "true", "true"},
	{"Job/running", "spec.suspend", "true", "false"},
	{"Deployment/widgets", "spec.replicas", "0", "3"},
	{"GitRepository/fleet", "spec.suspend", "true", "false"},
	{"Kustomization/fleet", "spec.suspend", "true", "<nil>"},
	{"HelmRelease/quiet", "spec.suspend", "true", "true"},
	{"Application/web", "metadata.annotations|argocd.argoproj.io/skip-reconcile", "true", "<nil>"},
	{"Application/web", "spec.syncPolicy.automated", "<nil>", "map[prune:true selfHeal:true]"},
	{"ApplicationSet/all", "spec.syncPolicy", "map[applicationsSync:create-only]", "<nil>"},
	{"Cluster/payments", "spec.paused", "true", "<nil>"},
	{"MachineDeployment/payments", "metadata.annotations|cluster.x-k8s.io/paused", "true", "<nil>"},
	{"Machine/payments-0", "metadata.annotations|cluster.x-k8s.io/paused", "true", "<nil>"},
	{"ScaledObject/web", "metadata.annotations|autoscaling.keda.sh/paused", "true", "<nil>"},
	{"Bucket/archive", "metadata.annotations|crossplane.io/paused", "true", "<nil>"},
}

// widgetRules are rules of a user: its own controller is stopped.
const widgetRules = `
pause:
- kind: Deployment.apps
  name: widg*
  namespace: mgmt
  controller: widgets
  scaleToZero: true
  reason: it would make widgets for those that are not restored yet
`

// yard is a real cluster with controllers, and objects that they act on.
type yard struct {
	*story
	cluster *testcluster.Cluster
	client  dynamic.Interface
	kinds   *restmapper.DeferredDiscoveryRESTMapper
	objects map[string]*unstructured.Unstructured
	target  []string
}

func newYard(t *testing.T, version string) *yard {
	cluster := testcluster.New(t, version)
	client, err := dynamic.NewForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	served, err := discovery.NewDiscoveryClientForConfig(cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	s := newStory(t)
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(rules, []byte(widgetRules), 0o600); err != nil {
		t.Fatal(err)
	}

	y := &yard{
		story: s, cluster: cluster, client: client, kinds: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(served)),
		objects: make(map[string]*unstructured.Unstructured),
		target:  []string{"--repo", s.repo, "--keys", s.keys, "--kubeconfig", cluster.Kubeconfig, "--pause-rules", rules},
	}
	definitions, err := os.ReadFile("../../pkg/restore/pause/testdata/definitions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	y.create(string(definitions) + "\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: mgmt}}")
	y.create(acting)
	s.ok("init", s.repo, "--keys", s.keys)
	s.backup(cluster)
	return y
}

func (y *yard) of(object *unstructured.Unstructured) dynamic.ResourceInterface {
	y.Helper()
	kind := object.GroupVersionKind()
	var mapping *meta.RESTMapping
	y.eventually(kind.String()+" is served", func() bool {
		var err error
		if mapping, err = y.kinds.RESTMapping(kind.GroupKind(), kind.Version); err != nil {
			y.kinds.Reset()
		}
		return err == nil
	})
	if object.GetNamespace() == "" {
		return y.client.Resource(mapping.Resource)
	}
	return y.client.Resource(mapping.Resource).Namespace(object.GetNamespace())
}

func (y *yard) create(documents string) {
	y.Helper()
	for _, document := range strings.Split(documents, "\n---\n") {
		content, err := manifest.Decode([]byte(document))
		if err != nil {
			y.Fatal(err)
		}
		object := &unstructured.Unstructured{Object: content}
		y.objects[object.GetKind()+"/"+object.GetName()] = object
		switch object.GetKind() {
		case "Kustomization", "GitRepository": // as Flux applies what is in Git
			_, err = y.of(object).Apply(y.Context(), object.GetName(), object, metav1.ApplyOptions{FieldManager: "kustomize-controller"})
		default:
			_, err = y.of(object).Create(y.Context(), object, metav1.CreateOptions{})
		}
		if err != nil {
			y.Fatal(err)
		}
	}
}

func (y *yard) live(name string) *unstructured.Unstructured {
	y.Helper()
	live, err := y.of(y.objects[name]).Get(y.Context(), y.objects[name].GetName(), metav1.GetOptions{})
	if err != nil {
		y.Fatal(err)
	}
	return live
}

// clear deletes all that is restored. The definitions stay.
func (y *yard) clear() {
	y.Helper()
	for _, name := range []string{"Bucket/archive", "Namespace/mgmt"} {
		object := y.objects[name]
		if err := y.of(object).Delete(y.Context(), object.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			y.Fatal(err)
		}
		y.eventually(name+" is gone", func() bool {
			_, err := y.of(object).Get(y.Context(), object.GetName(), metav1.GetOptions{})
			return apierrors.IsNotFound(err)
		})
	}
}

func (y *yard) on(command string, more ...string) []string {
	return append(append([]string{command, "latest"}, more...), y.target...)
}

func (y *yard) activate(more ...string) []string {
	return append([]string{"activate", "--kubeconfig", y.cluster.Kubeconfig, "--wait", "0s"}, more...)
}

// all says of every field whether it is as it is while paused.
func (y *yard) all(t *testing.T, paused bool) {
	t.Helper()
	for _, f := range pausedFields {
		live := y.live(f.object)
		path, key, keyed := strings.Cut(f.path, "|")
		keys := strings.Split(path, ".")
		if keyed {
			keys = append(keys, key)
		}
		value, _, _ := unstructured.NestedFieldNoCopy(live.Object, keys...)
		want := f.before
		if paused {
			want = f.paused
		}
		if got := fmt.Sprint(value); got != want {
			t.Errorf("%s: %s is %s, want %s", f.object, f.path, got, want)
		}
		mark, marked := live.GetAnnotations()[restore.PausedKey]
		if marked != (paused && !strings.Contains(f.object, "quiet")) {
			t.Errorf("%s: the mark is %q", f.object, mark)
		}
	}
	if live := y.live("Machine/payments-0"); live.GetAnnotations()["keep"] != "me" {
		t.Errorf("an annotation of somebody else is lost: %v", live.GetAnnotations())
	}
}

// owned says that objects belong to who had applied them in the source, and to nobody else.
func (y *yard) owned(t *testing.T) {
	t.Helper()
	for _, name := range []string{"GitRepository/fleet", "Kustomization/fleet"} {
		for _, entry := range y.live(name).GetManagedFields() {
			if entry.Subresource == "" && entry.Manager != "kustomize-controller" {
				t.Errorf("%s: %s has %s", name, entry.Manager, entry.FieldsV1.GetRawString())
			}
			if name == "GitRepository/fleet" && entry.Subresource == "" && !strings.Contains(entry.FieldsV1.GetRawString(), `"f:suspend"`) {
				t.Errorf("%s: spec.suspend is not given back: %s", name, entry.FieldsV1.GetRawString())
			}
		}
	}
}

// fired returns the schedule's own record, which its controller writes when it makes a Job.
func (y *yard) fired() string {
	at, _, _ := unstructured.NestedString(y.live("CronJob/minutely").Object, "status", "lastScheduleTime")
	return at
}

// Objects that controllers act on are restored paused by the means of each controller, and released
// to what they were: with real definitions, on the oldest and the newest server.
func TestControllersWait(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			y := newYard(t, version)
			t.Run("what runs in the source is paused, saved, and as it was", y.source)
			t.Run("what runs in the target is not paused", y.runningStays)
			t.Run("paused until they are activated", y.later)
			t.Run("released at the end of the same restore", y.now)
			if version == "1.37.1" { // it is the same program
				t.Run("killed at any request", y.killed)
			}
		})
	}
}

// source pauses the cluster that the point was taken of, as before an upgrade: what is saved meanwhile runs elsewhere.
func (y *yard) source(t *testing.T) {
	pausing := func(more ...string) []string {
		return append([]string{"pause", "--kubeconfig", y.cluster.Kubeconfig, "--pause-rules", y.target[len(y.target)-1]}, more...)
	}
	dry := y.ok(pausing("--dry-run")...)
	says(t, dry, "CronJob.batch/mgmt/minutely", "spec.suspend becomes true", "its schedule would run it on half-restored state",
		"dry run, nothing was changed; would be paused: 12 objects")
	if strings.Contains(dry, "quiet") {
		t.Errorf("what its user has paused is paused again:\n%s", dry)
	}
	y.all(t, false)

	code, _, errs := y.run(pausing()...)
	if code != ExitUsage {
		t.Errorf("without consent: exit code %d: %s", code, errs)
	}
	code, _, errs = y.run(pausing("--yes", "--kind", "configmap")...)
	if code != ExitNotFound {
		t.Errorf("a kind that does not act: exit code %d: %s", code, errs)
	}
	says(t, y.ok(pausing("--yes", "--kind", "cronjob")...), "paused: 1 object")
	var answer pauseAnswer
	if err := json.Unmarshal([]byte(y.ok(pausing("--yes", "--json")...)), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Paused != 11 || len(answer.Planned) != 11 {
		t.Errorf("the rest: %+v", answer)
	}
	y.all(t, true)
	y.unmanaged(t)
	says(t, y.ok(pausing("--yes")...), "Nothing acts that is not paused.")

	// What is saved now has everything as it was: it is equal to what runs again.
	y.backup(y.cluster)
	says(t, y.ok(y.on("verify")...), "paused by a restore, until `appbur activate` releases them (12)")
	says(t, y.ok(y.activate("--yes")...), "released: 12 objects")
	y.all(t, false)
	y.unmanaged(t)
	says(t, y.ok(y.on("verify")...), "0 findings")
}

// unmanaged says that a pause takes no field from who has it, and gives each back to who had it.
func (y *yard) unmanaged(t *testing.T) {
	t.Helper()
	y.owned(t)
	for name := range y.objects {
		for _, entry := range y.live(name).GetManagedFields() {
			if entry.Manager == restore.FieldManager {
				t.Errorf("%s: fields of appbur: %s", name, entry.FieldsV1.GetRawString())
			}
		}
	}
}

func (y *yard) runningStays(t *testing.T) {
	said := y.ok(y.on("plan", "--activate", "later")...)
	says(t, said, "not paused, because the target has them and they run there")
	if strings.Contains(said, "Paused until") {
		t.Errorf("something is paused:\n%s", said)
	}
	y.ok(y.on("restore", "--activate", "later", "--yes")...)
	says(t, y.ok(y.activate()...), "Nothing is paused by a restore.")

	// Whoever asks for it pauses that as well, and takes nothing but the fields that pause.
	says(t, y.ok(y.on("restore", "--activate", "later", "--pause-running", "--yes", "--undo-newer")...), "stays paused: 12 objects")
	live := y.live("CronJob/minutely")
	if suspended, _, _ := unstructured.NestedBool(live.Object, "spec", "suspend"); !suspended {
		t.Error("it is not paused")
	}

	// What somebody has released by other means stays as they want it.
	if err := unstructured.SetNestedField(live.Object, false, "spec", "suspend"); err != nil {
		t.Fatal(err)
	}
	if _, err := y.of(live).Update(t.Context(), live, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	says(t, y.ok(y.on("restore", "--yes", "--undo-newer", "--wait", "0s")...), "11 objects restored paused, and released")
	if suspended, _, _ := unstructured.NestedBool(y.live("CronJob/minutely").Object, "spec", "suspend"); suspended {
		t.Error("it was paused again")
	}
	says(t, y.ok(y.activate("--yes")...), "was released by other means: the mark is removed", "released: 1 object")
	says(t, y.ok(y.on("verify")...), "0 findings")
}

func (y *yard) later(t *testing.T) {
	y.clear()
	says(t, y.ok(y.on("plan", "--activate", "later")...), "Paused until they are activated (12 objects)",
		"kubernetes: CronJob.batch/mgmt/minutely, Job.batch/mgmt/running",
		"spec.suspend: is true until it is activated: its schedule would run it",
		"widgets: Deployment.apps/mgmt/widgets")
	out := y.ok(y.on("restore", "--activate", "later", "--yes", "--undo-newer")...)
	says(t, out, "stays paused: 12 objects; `appbur activate` releases what is paused")
	y.all(t, true)

	// Paused is as it should be, for verification and for a second restore, also without the rules.
	says(t, y.ok(y.on("verify")...), "paused by a restore, until `appbur activate` releases them (12)")
	ruleless := []string{"verify", "latest", "--repo", y.repo, "--keys", y.keys, "--kubeconfig", y.cluster.Kubeconfig}
	y.ok(ruleless...)
	report := y.restore(y.on("restore", "--activate", "later", "--yes", "--undo-newer", "--json"))
	if report.Counts.Created+report.Counts.Configured+report.Counts.Failed > 0 {
		t.Errorf("a second run: %+v", report.Counts)
	}

	// Where the clock says that it is due, it does not fire: another one that runs does.
	y.create(strings.NewReplacer("minutely", "witness").Replace(strings.Split(acting, "\n---\n")[0]))
	y.eventuallyIn(3*time.Minute, "a schedule that is not paused fires", func() bool {
		_, found, _ := unstructured.NestedString(y.live("CronJob/witness").Object, "status", "lastScheduleTime")
		return found
	})
	if at := y.fired(); at != "" {
		t.Errorf("it fired while it was paused: %s", at)
	}
	jobs := y.client.Resource(schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}).Namespace("mgmt")
	witness := y.objects["CronJob/witness"]
	if err := y.of(witness).Delete(t.Context(), "witness", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}

	dry := y.ok(y.activate("--dry-run")...)
	says(t, dry, "spec.suspend becomes false", "spec.replicas becomes 3", "dry run, nothing was changed; would be released: 12 objects")
	y.all(t, true)
	y.withoutRights(t)
	var answer activationAnswer
	if err := json.Unmarshal([]byte(y.ok(y.activate("--json", "--yes", "--kind", "cronjob")...)), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Released != 1 || len(answer.Planned) != 1 || answer.Planned[0].Object.Name != "minutely" {
		t.Errorf("by kind: %+v", answer)
	}
	says(t, y.ok(y.activate("--yes")...), "released: 11 objects")
	y.all(t, false)
	y.owned(t)

	says(t, y.ok(y.on("verify")...), "0 findings")
	y.ok(y.on("restore", "--activate", "later", "--yes", "--undo-newer")...)
	y.all(t, false)
	y.eventuallyIn(3*time.Minute, "it fires", func() bool { return y.fired() != "" })
	if list, err := jobs.List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) == 0 {
		t.Errorf("no job was made: %v", err)
	}
}

// An account that may only look is told before anything is written.
func (y *yard) withoutRights(t *testing.T) {
	y.create(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: viewers},
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view},
  subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: viewer}]}`)
	code, out, errs := y.run(y.activate("--yes", "--kubeconfig", actingAs(t, y.cluster, "viewer"))...)
	if code != ExitCredentials {
		t.Errorf("exit code %d: %s", code, errs)
	}
	binding := y.objects["ClusterRoleBinding/viewers"]
	if err := y.of(binding).Delete(t.Context(), binding.GetName(), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	says(t, out, "not searched: this account may not list ", "patch cronjobs.batch in mgmt (1 object)")
	says(t, errs, "the account lacks rights that the plan needs")
	y.all(t, true)
}

func (y *yard) now(t *testing.T) {
	y.clear()
	says(t, y.ok(y.on("restore", "--dry-run")...), "12 objects would be restored paused, and released at the end")
	code, out, errs := y.run(y.on("restore", "--yes", "--undo-newer", "--wait", "1ms")...)
	if code != ExitPartly {
		t.Errorf("exit code %d: %s", code, errs)
	}
	says(t, out, "11 objects restored paused, and released", "held Kustomization.kustomize.toolkit.fluxcd.io/mgmt/fleet: "+
		"GitRepository.source.toolkit.fluxcd.io/mgmt/fleet is not ready: its controller has not looked at it", "stays paused: 1 object")

	report := y.restore(y.on("restore", "--yes", "--undo-newer", "--json", "--wait", "0s"))
	if report.Counts.Created+report.Counts.Configured+report.Counts.Failed > 0 {
		t.Errorf("a second run: %+v", report.Counts)
	}
	y.all(t, false)
	y.owned(t)
	says(t, y.ok(y.on("verify")...), "0 findings")
}

func (y *yard) eventuallyIn(most time.Duration, what string, done func() bool) {
	y.Helper()
	deadline := time.Now().Add(most)
	for !done() {
		if time.Now().After(deadline) {
			y.Fatalf("%s: not within %s", what, most)
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-y.Context().Done():
			y.Fatal(y.Context().Err())
		}
	}
}

// killed runs appbur as a process of its own, which is killed at some write of a restore or of an
// activation, before the write arrives or after that. What runs then converges.
func (y *yard) killed(t *testing.T) {
	binary := buildBinary(t)
	for _, writes := range []int{4, 11, 22} {
		y.clear()
		if !y.killAt(t, writes, binary, y.on("restore", "--yes", "--undo-newer", "--wait", "0s")...) {
			t.Errorf("a restore has fewer than %d writes", writes)
		}
		if writes > 17 { // all is there, and some of it is released
			y.ok(y.activate("--yes")...)
		}
		y.ok(y.on("restore", "--yes", "--undo-newer", "--wait", "0s")...)
		y.all(t, false)
	}

	y.clear()
	y.ok(y.on("restore", "--activate", "later", "--yes", "--undo-newer")...)
	for range 2 {
		if !y.killAt(t, 3, binary, y.activate("--yes")...) {
			t.Error("an activation has fewer than 3 writes")
		}
	}
	y.ok(y.activate("--yes")...)
	y.all(t, false)
	says(t, y.ok(y.on("verify")...), "0 findings")
}

// killAt runs appbur, and kills it at its nth write; it reports false if there are fewer.
func (y *yard) killAt(t *testing.T, n int, binary string, args ...string) (killed bool) {
	t.Helper()
	transport, err := rest.TransportFor(y.cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(y.cluster.RESTConfig().Host)
	if err != nil {
		t.Fatal(err)
	}
	var process *exec.Cmd
	var mu sync.Mutex
	writes := 0
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(server) }}

	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if write := r.Method == http.MethodPatch || r.Method == http.MethodPost && !strings.Contains(r.URL.Path, "review"); write {
			writes++
		}
		now := writes == n && !killed
		if now {
			killed = true
		}
		mu.Unlock()
		if now && n%2 == 1 {
			_ = process.Process.Kill()
			return
		}
		proxy.ServeHTTP(w, r)
		if now {
			_ = process.Process.Kill()
		}
	}))
	defer front.Close()

	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: x,
		contexts: [{name: x, context: {cluster: x, user: x}}], users: [{name: x, user: {}}], clusters: [{name: x, cluster: {server: %q}}]}`,
		front.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	process = exec.CommandContext(t.Context(), binary, append(args, "--kubeconfig", kubeconfig)...)
	out, err := process.CombinedOutput()
	if !killed && err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return killed
}
