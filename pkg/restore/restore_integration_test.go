//go:build integration

package restore

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
)

// settled is how long nothing may be garbage-collected after a restore. The
// collector acts within seconds; tests of this package see it act below.
const settled = 30 * time.Second

// theTarget is one real cluster with a controller-manager, for all tests here.
// Each test restores objects that no other one touches.
type theTarget struct {
	*testcluster.Cluster
	config  *rest.Config
	dynamic dynamic.Interface
	cluster Cluster
}

func TestRestoreOnARealCluster(t *testing.T) {
	running := testcluster.New(t, "1.37.1")
	r := &theTarget{Cluster: running, config: running.RESTConfig()}
	var err error
	if r.dynamic, err = dynamic.NewForConfig(r.config); err != nil {
		t.Fatal(err)
	}
	if r.cluster, err = NewCluster(r.config); err != nil {
		t.Fatal(err)
	}
	t.Run("dry run writes nothing", r.dryRun)
	t.Run("whole life", r.wholeLife)

	t.Run("continues after a crash", r.crash)
	t.Run("foreign fields", r.foreignFields)
	t.Run("a later point has less", r.laterPoint)
	t.Run("terminating namespace", r.terminating)
	t.Run("admission and aggregated APIs come last", r.admission)
	t.Run("elements of one key", r.elementsOfOneKey)
	t.Run("keys that are no YAML", r.longKeys)
	t.Run("status that is no object", r.statusThatIsNoObject)
	t.Run("a webhook without its backend", r.webhookWithoutBackend)
	t.Run("requests that hang", r.requestsThatHang)
	t.Run("an owner that the server refuses", r.refusedOwner)
	t.Run("expected refusals by schemas", r.expectedRefusals)
	t.Run("another version takes it", r.anotherVersion)
	t.Run("finds tampering", r.tampering) // stops the controller-manager
}

// discovered reads what the cluster serves.
func (r *theTarget) discovered(t testing.TB) compat.Target {
	t.Helper()
	client := discovery.NewDiscoveryClientForConfigOrDie(r.config)
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		t.Fatal(err)
	}
	served := make(map[appbur.GroupKind][]string)

	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, resource := range l.APIResources {
			if isTopLevel(resource.Name) {
				kind := appbur.GroupKind{Group: gv.Group, Kind: resource.Kind}
				served[kind] = append(served[kind], gv.Version)
			}
		}
	}

	return compat.NewDiscoveryTarget(r.Version, served)
}

// plan makes a plan of the objects of archives, without those that drop names,
// with every namespace renamed so that tests do not meet.
func (r *theTarget) plan(t *testing.T, policy Policy, drop []string, archives ...string) *Plan {
	t.Helper()
	var objects []map[string]any
	for _, name := range archives {
		_, some := readArchive(t, "testdata/plan/"+name+".txtar")
		objects = append(objects, some...)
	}
	objects = slices.DeleteFunc(objects, func(o map[string]any) bool { return slices.Contains(drop, text(o, "kind")) })
	return r.planOf(t, policy, objects...)
}

func (r *theTarget) planOf(t *testing.T, policy Policy, objects ...map[string]any) *Plan {
	t.Helper()
	plan, err := NewPlan(pointOf(t, objects...), r.discovered(t), Options{Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func (r *theTarget) apply(t *testing.T, plan *Plan) Report {
	t.Helper()
	report, err := Apply(t.Context(), plan, r.cluster, nil)
	if err != nil {
		for _, o := range report.Failures() {
			t.Errorf("%s: %s", o.Object, o.Reason)
		}
		t.Fatal(err)
	}
	return report
}

func (r *theTarget) verify(t *testing.T, plan *Plan) Findings {
	t.Helper()
	findings, err := Verify(t.Context(), plan, r.cluster, manifest.Default(), nil)
	if err != nil {
		t.Fatal(err)
	}
	findings.Findings = slices.DeleteFunc(findings.Findings, func(f Finding) bool {
		return f.Kind == FindingAdded && f.Object.Namespace == "default" // of the other tests
	})
	return findings
}

func mustBeOK(t *testing.T, f Findings) {
	t.Helper()
	if !f.OK() {
		var b strings.Builder
		_ = f.Render(&b)
		t.Fatal(b.String())
	}
}

func mustBeUnchanged(t *testing.T, report Report) {
	t.Helper()
	for _, o := range report.Outcomes {
		if o.Result != Unchanged {
			t.Errorf("another run has %s %s", o.Result, o.Object)
		}
	}
}

var lifeArchives = []string{"owned-custom-resources", "workload-references", "cycles", "everyday-kinds"}

func (r *theTarget) dryRun(t *testing.T) {
	plan := r.plan(t, Policy{}, nil, lifeArchives...)
	report, err := Apply(t.Context(), plan, DryRun(r.cluster), nil)
	if err != nil {
		t.Fatalf("%v: %+v", err, report.Failures())
	}
	if report.Counts.Created < 30 {
		t.Errorf("%s", report.Counts)
	}

	unchecked := 0
	for _, o := range report.Outcomes {
		if o.Unchecked {
			unchecked++
		}
	}

	if unchecked == 0 || unchecked == len(report.Outcomes) {
		t.Errorf("%d of %d objects are unchecked", unchecked, len(report.Outcomes))
	}

	for _, f := range r.verify(t, plan).Findings {
		if f.Kind != FindingMissing {
			t.Errorf("a dry run left %s (%s)", f.Object, f.Kind)
		}
	}
}

func (r *theTarget) wholeLife(t *testing.T) {
	plan := r.plan(t, Policy{}, nil, lifeArchives...)
	start := time.Now()
	report := r.apply(t, plan)
	t.Logf("restored in %s: %s", time.Since(start).Round(time.Millisecond), report.Counts)
	if report.Counts.Created != len(report.Outcomes) {
		for _, o := range report.Outcomes {
			if o.Result != Created {
				t.Errorf("%s is %s", o.Object, o.Result)
			}
		}
	}
	findings := r.verify(t, plan)
	mustBeOK(t, findings)
	if findings.Owners != 7 {
		t.Errorf("%d owner references checked, want 7", findings.Owners)
	}
	for _, a := range findings.Additions {
		t.Logf("additional: %s %s (%d)", a.Kind, a.Path, a.Objects)
	}

	// A restored claim and volume find each other by name.
	r.eventually(t, "the claim is bound to its old volume", func(ctx context.Context) (bool, error) {
		claim, err := r.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}).
			Namespace("shop").Get(ctx, "data", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		return text(claim.Object, "status", "phase") == "Bound" && text(claim.Object, "spec", "volumeName") == "pv-1", nil
	})

	// The collector deletes what has an owner that does not exist, and nothing else.
	r.bait(t)
	time.Sleep(settled)
	r.eventually(t, "the garbage collector took the bait", func(ctx context.Context) (bool, error) {
		_, err := r.cluster.Get(ctx, baitID, "v1")
		return apierrors.IsNotFound(err), nil
	})
	mustBeOK(t, r.verify(t, plan))

	mustBeUnchanged(t, r.apply(t, r.plan(t, Policy{}, nil, lifeArchives...)))
	if report, err := Apply(t.Context(), plan, DryRun(r.cluster), nil); err != nil || report.Counts.Unchanged != len(report.Outcomes) {
		t.Errorf("a dry run over a finished restore: %s (%v)", report.Counts, err)
	}
}

// cutter cancels the run after some steps, as a crash would: requests in flight
// may or may not have been served.
type cutter struct {
	after  int
	cancel context.CancelFunc
}

func (c *cutter) Progress(e Event) {
	if e.Done == c.after {
		c.cancel()
	}
}

func (r *theTarget) crash(t *testing.T) {
	_, objects := readArchive(t, "testdata/plan/owned-custom-resources.txtar")
	for _, o := range objects {
		if text(o, "metadata", "namespace") == "fleet" {
			o["metadata"] = with(dict(o, "metadata"), "crash", "namespace")
		}
	}
	ns := slices.IndexFunc(objects, func(o map[string]any) bool { return text(o, "kind") == "Namespace" })
	objects[ns]["metadata"] = with(dict(objects[ns], "metadata"), "crash", "name")

	runs, steps := 0, 1
	for {
		plan := r.planOf(t, Policy{}, objects...)
		ctx, cancel := context.WithCancel(t.Context())
		report, err := Apply(ctx, plan, r.cluster, &cutter{after: steps, cancel: cancel})
		cancel()
		runs++
		if err == nil {
			mustBeOK(t, r.verify(t, plan))
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("%v: %+v", err, report.Failures())
		}
		if got := len(report.Outcomes) + report.Remaining; got != len(objects) {
			t.Errorf("run %d accounts for %d of %d objects", runs, got, len(objects))
		}
		steps += 2
	}
	if runs < 4 {
		t.Errorf("only %d runs were cut short", runs-1)
	}
	mustBeUnchanged(t, r.apply(t, r.planOf(t, Policy{}, objects...)))
}

func (r *theTarget) foreignFields(t *testing.T) {
	configMaps := r.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace("default")
	live := decode(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: foreign, namespace: default}\ndata: {a: theirs, b: same}\n")
	body, err := json.Marshal(live)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := configMaps.Patch(t.Context(), "foreign", types.ApplyPatchType, body,
		metav1.PatchOptions{FieldManager: "somebody"}); err != nil {
		t.Fatal(err)
	}

	saved := decode(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: foreign, namespace: default}\ndata: {a: ours, b: same}\n")
	report, err := Apply(t.Context(), r.planOf(t, Policy{}, saved), r.cluster, nil)
	if !errors.Is(err, ErrIncomplete) || !strings.Contains(report.Outcomes[0].Reason, "somebody") ||
		!strings.Contains(report.Outcomes[0].Hint, "take them over") {
		t.Fatalf("%+v (%v)", report.Outcomes, err)
	}
	if report = r.apply(t, r.planOf(t, Policy{ForceConflicts: true}, saved)); report.Counts.Configured != 1 {
		t.Errorf("forced: %s", report.Counts)
	}

	// From now on it is ours, so that a later restore needs no force.
	if _, err := configMaps.Patch(t.Context(), "foreign", types.MergePatchType, []byte(`{"data":{"a":"edited"}}`),
		metav1.PatchOptions{FieldManager: "editor"}); err != nil {
		t.Fatal(err)
	}
	if report = r.apply(t, r.planOf(t, Policy{}, saved)); report.Counts.Configured != 1 {
		t.Errorf("edited by hand: %s", report.Counts)
	}
	mustBeOK(t, r.verify(t, r.planOf(t, Policy{}, saved)))

	// Whoever applies the same values is not in the way.
	same := decode(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kube-root-like, namespace: default}\ndata: {a: x}\n")
	if body, err = json.Marshal(same); err != nil {
		t.Fatal(err)
	}
	if _, err := configMaps.Patch(t.Context(), "kube-root-like", types.ApplyPatchType, body,
		metav1.PatchOptions{FieldManager: "somebody"}); err != nil {
		t.Fatal(err)
	}
	r.apply(t, r.planOf(t, Policy{}, same))
}

// laterPoint restores another point over what a restore created: what it has no more goes
// away, and what the server had filled in is filled in again.
func (r *theTarget) laterPoint(t *testing.T) {
	settings := func(labels, data string) map[string]any {
		return decode(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: later, namespace: default, labels: {"+labels+"}}\ndata: {"+data+"}\n")
	}
	deployment := func(containers string) map[string]any {
		return decode(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: later, namespace: default}, spec: {replicas: 0,
  selector: {matchLabels: {app: later}}, template: {metadata: {labels: {app: later}}, spec: {containers: [`+containers+`]}}}}`)
	}
	first := r.planOf(t, Policy{}, settings("tier: one, gone: two", `a: "1", gone: "2"`),
		deployment("{name: main, image: registry.invalid/a}, {name: gone, image: registry.invalid/b}"))
	if report := r.apply(t, first); report.Counts != (Counts{Created: 2}) {
		t.Fatalf("first: %s", report.Counts)
	}
	later := r.planOf(t, Policy{}, settings("tier: one", `a: "1"`), deployment("{name: main, image: registry.invalid/a}"))
	foretold, err := Apply(t.Context(), later, DryRun(r.cluster), nil)
	if err != nil {
		t.Fatal(err)
	}

	report := r.apply(t, later)
	if report.Counts != (Counts{Configured: 2}) || foretold.Counts != report.Counts {
		t.Errorf("later: %s, foretold: %s", report.Counts, foretold.Counts)
	}
	mustBeOK(t, r.verify(t, later))
	live, err := r.cluster.Get(t.Context(), appbur.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "default", Name: "later"}, "apps/v1")
	if err != nil {
		t.Fatal(err)
	}
	containers := list(live, "spec", "template", "spec", "containers")
	if len(containers) != 1 || text(containers[0], "imagePullPolicy") == "" {
		t.Errorf("the containers are %v", short(containers))
	}
	mustBeUnchanged(t, r.apply(t, later))
}

func (r *theTarget) terminating(t *testing.T) {
	objects := []map[string]any{
		decode(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: ending}\n"),
		decode(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: ending, finalizers: [example.com/hold]}\n"),
		decode(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: ending}\n"),
	}
	plan := r.planOf(t, Policy{}, objects...)
	r.apply(t, plan)
	namespaces := r.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
	if err := namespaces.Delete(t.Context(), "ending", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}

	report, err := Apply(t.Context(), plan, r.cluster, nil)
	if !errors.Is(err, ErrIncomplete) {
		t.Fatal(err)
	}
	o := outcomeOf(t, report, "Namespace/ending")
	if o.Result != Failed || o.Reason != ErrTerminating.Error() || o.Hint == "" {
		t.Errorf("%+v", o)
	}

	kinds := map[FindingKind]bool{}
	for _, f := range r.verify(t, plan).Findings {
		kinds[f.Kind] = true
	}
	if !kinds[FindingTerminating] {
		t.Errorf("findings %v", kinds)
	}

	// Once it is gone, the same restore works again.
	if _, err := r.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace("ending").
		Patch(t.Context(), "a", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	r.eventually(t, "the namespace is gone", func(ctx context.Context) (bool, error) {
		_, err := namespaces.Get(ctx, "ending", metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
	if report = r.apply(t, plan); report.Counts.Created != 3 {
		t.Errorf("%s", report.Counts)
	}
}

func (r *theTarget) admission(t *testing.T) {
	plan := r.plan(t, Policy{}, []string{"Recording"}, "admission-last")
	report := r.apply(t, plan)
	if report.Counts.Created != len(report.Outcomes) {
		t.Errorf("%s", report.Counts)
	}
	mustBeOK(t, r.verify(t, plan))
	// The aggregated API has no backend, so discovery is broken for its group; a
	// second run does not care.
	mustBeUnchanged(t, r.apply(t, r.plan(t, Policy{}, []string{"Recording"}, "admission-last")))
	if err := r.dynamic.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}).
		Delete(t.Context(), "v1.metrics.example.com", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (r *theTarget) tampering(t *testing.T) {
	r.StopControllerManager() // it would repair or delete what is tampered with
	plan := r.plan(t, Policy{}, nil, lifeArchives...)
	mustBeOK(t, r.verify(t, plan))
	in := func(group, version, resource, namespace string) dynamic.ResourceInterface {
		return r.dynamic.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: resource}).Namespace(namespace)
	}
	patch := func(i dynamic.ResourceInterface, name, body string, sub ...string) {
		t.Helper()
		if _, err := i.Patch(t.Context(), name, types.MergePatchType, []byte(body), metav1.PatchOptions{FieldManager: "tamper"},
			sub...); err != nil {
			t.Fatal(err)
		}
	}
	patch(in("", "v1", "configmaps", "shop"), "settings", `{"data":{"a":"other","more":"x"}}`)
	patch(in("", "v1", "secrets", "shop"), "password", `{"data":{"value":"b3RoZXI="}}`)
	patch(in("apps", "v1", "deployments", "shop"), "api", `{"spec":{"replicas":5}}`)
	machines := in("cluster.example.com", "v1", "machines", "fleet")
	patch(machines, "m-0",
		`{"metadata":{"ownerReferences":[{"apiVersion":"cluster.example.com/v1","kind":"MachineSet","name":"ms","uid":"00000000-0000-0000-0000-000000000000"}]}}`)
	patch(machines, "m-0", `{"status":{"phase":"Moved"}}`, "status")
	patch(in("cluster.example.com", "v1", "clusters", "fleet"), "c", `{"status":null}`, "status")
	patch(in("", "v1", "configmaps", "default"), "a", `{"metadata":{"ownerReferences":null}}`)
	if err := in("", "v1", "services", "shop").Delete(t.Context(), "api", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	patch(in("", "v1", "serviceaccounts", "shop"), "api", `{"metadata":{"finalizers":["example.com/hold"]}}`)
	if err := in("", "v1", "serviceaccounts", "shop").Delete(t.Context(), "api", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}

	r.add(t)

	findings := r.verify(t, plan)
	var got []string
	for _, f := range findings.Findings {
		got = append(got, string(f.Kind)+" "+f.Object.String()+" "+f.Path)
		if strings.Contains(f.What, "b3RoZXI=") || strings.Contains(f.What, "aHVudGVyMg==") {
			t.Errorf("a finding shows the value of a secret: %s", f.What)
		}
	}
	want := []string{
		"different ConfigMap/shop/settings data.a",
		"added ConfigMap/shop/settings data.more",
		"added ConfigMap/shop/stranger ",
		"added Namespace/shop metadata.labels.stranger",
		"different Secret/shop/password data.value",
		"missing Service/shop/api ",
		"owner ConfigMap/default/a metadata.ownerReferences",
		"dangling-owner Machine.cluster.example.com/fleet/m-0 metadata.ownerReferences",
		"owner Machine.cluster.example.com/fleet/m-0 metadata.ownerReferences",
		"status Cluster.cluster.example.com/fleet/c status",
		"terminating ServiceAccount/shop/api ",
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("not found: %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("found although nothing is wrong: %s", g)
		}
	}
	if findings.StatusMoved != 1 {
		t.Errorf("%d statuses moved, want 1", findings.StatusMoved)
	}

	grace := Addition{Kind: appbur.GroupKind{Group: "apps", Kind: "Deployment"}, Path: "spec.minReadySeconds", Manager: "tamper", Objects: 1}
	if !slices.Contains(findings.Additions, grace) {
		t.Errorf("a field that another manager added is not told: %+v", findings.Additions)
	}

	// A restore repairs what may be repaired: everything but what is being deleted, and what
	// was added.
	patch(in("", "v1", "serviceaccounts", "shop"), "api", `{"metadata":{"finalizers":null}}`)
	report := r.apply(t, plan)
	t.Logf("repaired: %s", report.Counts)
	// The foreign owner reference is not ours to remove. The collector drops it,
	// because the object has an owner that lives.
	if err := r.StartControllerManager(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.eventually(t, "nothing is wrong any more but what was added", func(context.Context) (bool, error) {
		return !slices.ContainsFunc(r.verify(t, plan).Findings, func(f Finding) bool { return f.Kind != FindingAdded }), nil
	})
}

// add adds to a namespace of the plan what a restore would not take away: an object, a label
// and a field; and objects that are no additions, because a controller owns them or a rule
// would not save them.
func (r *theTarget) add(t *testing.T) {
	t.Helper()
	apply := func(resource, namespace, name, body string) {
		t.Helper()
		gvr := schema.GroupVersionResource{Version: "v1", Resource: resource}
		if resource == "deployments" {
			gvr.Group = "apps"
		}
		if _, err := r.dynamic.Resource(gvr).Namespace(namespace).Patch(t.Context(), name, types.ApplyPatchType, []byte(body),
			metav1.PatchOptions{FieldManager: "tamper"}); err != nil {
			t.Fatal(err)
		}
	}
	settings, err := r.cluster.Get(t.Context(), appbur.ObjectID{Kind: "ConfigMap", Namespace: "shop", Name: "settings"}, "v1")
	if err != nil {
		t.Fatal(err)
	}
	owner := `{"apiVersion":"v1","kind":"ConfigMap","name":"settings","controller":true,"uid":"` + text(settings, "metadata", "uid") + `"}`

	apply("namespaces", "", "shop", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":{"stranger":"yes"}}}`)
	apply("configmaps", "shop", "stranger", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"stranger"},"data":{"a":"b"}}`)
	apply("configmaps", "shop", "owned", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"owned","ownerReferences":[`+owner+`]}}`)
	apply("configmaps", "shop", "kube-root-ca.crt",
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kube-root-ca.crt","labels":{"a":"b"}}}`)
	apply("deployments", "shop", "api",
		`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"api"},"spec":{"minReadySeconds":7}}`)
}

var baitID = appbur.ObjectID{Kind: "ConfigMap", Namespace: "default", Name: "bait"}

// bait makes an object that the garbage collector has to delete.
func (r *theTarget) bait(t *testing.T) {
	t.Helper()
	body := `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"bait","namespace":"default","ownerReferences":[
		{"apiVersion":"v1","kind":"ConfigMap","name":"nobody","uid":"00000000-0000-0000-0000-000000000000"}]}}`
	if _, err := r.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace("default").
		Patch(t.Context(), "bait", types.ApplyPatchType, []byte(body), metav1.PatchOptions{FieldManager: "test"}); err != nil {
		t.Fatal(err)
	}
}

func (r *theTarget) eventually(t *testing.T, what string, condition func(context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		ok, err := condition(ctx)
		if ok {
			return
		}
		if backoff.Sleep(ctx, 200*time.Millisecond) != nil {
			t.Fatalf("not within a minute: %s (%v)", what, err)
		}
	}
}
