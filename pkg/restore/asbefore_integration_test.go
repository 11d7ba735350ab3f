//go:build integration

package restore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/manifest"
)

// trip is a source and a target with objects that travel between them.
type trip struct {
	source, target *side
}

// side is one real cluster with a controller-manager.
type side struct {
	config  *rest.Config
	version appbur.KubeVersion
	dynamic dynamic.Interface
	cluster Cluster
}

func newSide(t *testing.T, running *testcluster.Cluster) *side {
	t.Helper()
	s := &side{config: running.RESTConfig(), version: running.Version}
	var err error
	if s.dynamic, err = dynamic.NewForConfig(s.config); err != nil {
		t.Fatal(err)
	}
	if s.cluster, err = NewCluster(s.config); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestObjectsComeBackAsTheyWere restores from an old Kubernetes to a new one what
// the order of a restore, or what the target adds by itself, could change.
func TestObjectsComeBackAsTheyWere(t *testing.T) {
	source := testcluster.NewWith(t, testcluster.Options{
		Version:       appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17},
		APIServerArgs: []string{"--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112"}, // the target has one family
	})
	trip := &trip{source: newSide(t, source), target: newSide(t, testcluster.New(t, "1.37.1"))}
	t.Run("limits newer than what they limit", trip.limits)
	t.Run("a policy newer than the Pod it refuses", trip.podSecurity)
	t.Run("chosen addresses", trip.addresses)
	t.Run("two address families", trip.families)
	t.Run("a topology that cannot be written", trip.topology)

	t.Run("a status and a default one", trip.defaultStatus)
	t.Run("a released volume", trip.released)
	t.Run("content of a namespace that was being deleted", func(t *testing.T) { trip.leaving(t, source) })
	t.Run("objects near the limits of size", trip.huge)
	t.Run("text that YAML reads otherwise", trip.hostileText)
	t.Run("tokens of accounts that the target makes", trip.tokens)
	t.Run("definitions that contest a name", trip.contest)
	t.Run("changed defaults of the cluster", trip.changedDefaults)
	t.Run("fields that cannot be changed", trip.unchangeable)
	t.Run("fields that a tool applied", trip.ownership)
	t.Run("default classes newer than their users", trip.defaults)
	t.Run("default classes of the target", trip.foreignDefaults) // the target has them from the test before
}

// resource finds how a kind is served. Tests name few kinds, all of them regular.
func (s *side) resource(t *testing.T, o map[string]any) dynamic.ResourceInterface {
	t.Helper()
	gv, err := schema.ParseGroupVersion(text(o, "apiVersion"))
	if err != nil {
		t.Fatal(err)
	}
	kind := strings.ToLower(text(o, "kind"))
	plural := kind + "s"
	if strings.HasSuffix(kind, "s") {
		plural = kind + "es"
	}
	if y, ok := strings.CutSuffix(kind, "y"); ok {
		plural = y + "ies"
	}
	return s.dynamic.Resource(gv.WithResource(plural)).Namespace(text(o, "metadata", "namespace"))
}

// create makes objects one after the other, as a person does.
func (s *side) create(t *testing.T, documents string) []map[string]any {
	t.Helper()
	var made []map[string]any
	for _, document := range strings.Split(documents, "\n---\n") {
		o := decode(t, document)
		retry(t, func() error {
			_, err := s.resource(t, o).Create(t.Context(), &unstructured.Unstructured{Object: o},
				metav1.CreateOptions{FieldManager: "kubectl-create"})
			return err
		})
		made = append(made, o)
	}
	return made
}

// retry repeats what waits for a controller: the default account of a namespace, or
// a definition that is not served yet.
func retry(t *testing.T, do func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		err := do()
		if err == nil {
			return
		}
		waits := errors.Is(err, errNotYet) || apierrors.IsNotFound(err) || apierrors.IsForbidden(err) &&
			strings.Contains(err.Error(), "service account")
		if !waits || backoff.Sleep(ctx, 200*time.Millisecond) != nil {
			t.Fatal(err)
		}
	}
}

var errNotYet = errors.New("not served yet")

func gvr(group, version, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
}

func (s *side) live(t *testing.T, o map[string]any) map[string]any {
	t.Helper()
	found, err := s.resource(t, o).Get(t.Context(), text(o, "metadata", "name"), metav1.GetOptions{})
	if err != nil {
		t.Fatalf("%s %s: %v", s.version, text(o, "kind"), err)
	}
	return found.Object
}

// until waits for something that a controller of the side does.
func (s *side) until(t *testing.T, o map[string]any, what string, holds func(live map[string]any) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		live := s.live(t, o)
		if holds(live) {
			return
		}
		if backoff.Sleep(ctx, 200*time.Millisecond) != nil {
			t.Fatalf("not within a minute: %s: %v", what, live)
		}
	}
}

// appears waits for an object that a controller of the side makes.
func (s *side) appears(t *testing.T, o map[string]any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		if _, err := s.resource(t, o).Get(ctx, text(o, "metadata", "name"), metav1.GetOptions{}); err == nil {
			return
		}
		if backoff.Sleep(ctx, 100*time.Millisecond) != nil {
			t.Fatalf("%s %s is not there within a minute", text(o, "kind"), text(o, "metadata", "name"))
		}
	}
}

// plan backs up the live objects of the source and plans their restore.
func (x *trip) plan(t *testing.T, objects ...map[string]any) *Plan {
	t.Helper()
	var live []map[string]any
	for _, o := range objects {
		live = append(live, x.source.live(t, o))
	}
	return x.planOf(t, live...)
}

// planOf plans the restore of live objects.
func (x *trip) planOf(t *testing.T, live ...map[string]any) *Plan {
	t.Helper()
	point := pointOf(t, live...)
	target := theTarget{Cluster: &testcluster.Cluster{Version: x.target.version}, config: x.target.config}
	surroundings, err := Survey(t.Context(), point, target.discovered(t), x.target.cluster)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(point, target.discovered(t), Options{Surroundings: surroundings})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// restore brings the objects to the target, twice: the second run changes nothing.
func (x *trip) restore(t *testing.T, objects ...map[string]any) *Plan {
	t.Helper()
	target := theTarget{cluster: x.target.cluster}
	plan := x.plan(t, objects...)
	target.apply(t, plan)
	again := x.plan(t, objects...)
	mustBeUnchanged(t, target.apply(t, again))
	mustBeOK(t, target.verify(t, again))
	return plan
}

// same compares fields of objects in both clusters.
func (x *trip) same(t *testing.T, o map[string]any, paths ...string) {
	t.Helper()
	was, is := x.source.live(t, o), x.target.live(t, o)
	for _, path := range paths {
		a, b := lookup(was, strings.Split(path, ".")), lookup(is, strings.Split(path, "."))
		if !equalJSON(a, b) {
			t.Errorf("%s %s: %s was %v, is %v", text(o, "kind"), text(o, "metadata", "name"), path, short(a), short(b))
		}
	}
}

func (x *trip) limits(t *testing.T) {
	objects := x.source.create(t, `apiVersion: v1
kind: Namespace
metadata: {name: narrow}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: small, namespace: narrow}
spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: lone, namespace: narrow}
spec: {nodeSelector: {nowhere: "true"}, containers: [{name: c, image: "x.invalid/c:1", resources: {limits: {memory: 4Gi}}}]}
---
apiVersion: v1
kind: LimitRange
metadata: {name: policy, namespace: narrow}
spec:
  limits:
  - {type: PersistentVolumeClaim, min: {storage: 5Gi}}
  - {type: Container, max: {memory: 1Gi}, default: {cpu: 500m}, defaultRequest: {cpu: 100m}}`)

	plan, target := x.plan(t, objects...), theTarget{cluster: x.target.cluster}
	target.apply(t, plan)
	mustBeOK(t, target.verify(t, plan))
	x.same(t, objects[1], "spec.resources")
	x.same(t, objects[2], "spec.containers.0.resources")
	x.same(t, objects[3], "spec")
}

func (x *trip) podSecurity(t *testing.T) {
	objects := x.source.create(t, `apiVersion: v1
kind: Namespace
metadata: {name: guarded}
---
apiVersion: v1
kind: Pod
metadata: {name: older, namespace: guarded}
spec: {hostNetwork: true, nodeSelector: {nowhere: "true"}, containers: [{name: c, image: "x.invalid/c:1"}]}`)
	x.source.change(t, objects[0], `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}`)
	x.restore(t, objects...)
	x.same(t, objects[0], "metadata.labels")
	x.same(t, objects[1], "spec.hostNetwork")
}

func (s *side) change(t *testing.T, o map[string]any, patch string) {
	t.Helper()
	_, err := s.resource(t, o).Patch(t.Context(), text(o, "metadata", "name"), "application/merge-patch+json", []byte(patch),
		metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func (x *trip) addresses(t *testing.T) {
	service := func(name, spec string) string {
		return "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + ", namespace: names}\nspec: {" + spec + "}"
	}
	objects := x.source.create(t, strings.Join([]string{
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: names}",
		service("a-given", "ports: [{port: 80}]"),
		service("dns", "clusterIP: 10.96.0.10, ports: [{port: 53}]"),
		service("taken", "clusterIP: 10.96.0.11, ports: [{port: 53}]"),
		service("port", "type: NodePort, ports: [{port: 80, nodePort: 31080}]"),
	}, "\n---\n"))
	x.target.create(t,
		"apiVersion: v1\nkind: Service\nmetadata: {name: squatter, namespace: default}\nspec: {clusterIP: 10.96.0.11, type: NodePort, ports: [{port: 80, nodePort: 31080}]}")

	plan := x.restore(t, objects...)

	x.same(t, objects[2], "spec.clusterIP", "spec.clusterIPs")
	if text(x.target.live(t, objects[3]), "spec", "clusterIP") == "10.96.0.11" {
		t.Error("an address that is taken was given")
	}
	notes := map[string]bool{}
	for _, n := range plan.Notes {
		notes[string(n.Kind)+" "+n.Object.Name] = true
	}
	if !notes["address taken"] || !notes["address port"] || notes["address dns"] {
		t.Errorf("notes %v", plan.Notes)
	}
}

func (x *trip) families(t *testing.T) {
	objects := x.source.create(t, `apiVersion: v1
kind: Namespace
metadata: {name: stacks}
---
apiVersion: v1
kind: Service
metadata: {name: prefers, namespace: stacks}
spec: {ipFamilyPolicy: PreferDualStack, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: requires, namespace: stacks}
spec: {ipFamilyPolicy: RequireDualStack, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: six, namespace: stacks}
spec: {ipFamilies: [IPv6], ports: [{port: 80}]}`)
	if got := list(x.source.live(t, objects[1]), "spec", "ipFamilies"); len(got) != 2 {
		t.Fatalf("the source has families %v", got)
	}

	var blocked []string
	for _, step := range x.plan(t, objects...).Blocked() {
		blocked = append(blocked, step.Object.Name)
		if step.Details().Hint == "" || !strings.Contains(step.Why, "address family") {
			t.Errorf("%s: %s (%s)", step.Object, step.Why, step.Details().Hint)
		}
	}
	if strings.Join(blocked, " ") != "requires six" {
		t.Errorf("blocked %v", blocked)
	}
	x.restore(t, objects[:2]...)
	x.same(t, objects[1], "spec.ipFamilyPolicy")
}

// topology: a server shows what was written through v1beta1, and ignores it in v1. It is
// lost, and said to be; the slice is left alone afterwards.
func (x *trip) topology(t *testing.T) {
	objects := x.source.create(t, `apiVersion: v1
kind: Namespace
metadata: {name: racks}
---
apiVersion: discovery.k8s.io/v1beta1
kind: EndpointSlice
metadata: {name: web, namespace: racks}
addressType: IPv4
endpoints: [{addresses: [192.0.2.1], topology: {example.com/rack: r7, topology.kubernetes.io/zone: z1}}]`)
	slice := decode(t, "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web, namespace: racks}")
	plan := x.restore(t, objects[0], slice)
	x.same(t, slice, "endpoints.0.zone", "endpoints.0.addresses")
	if told := plan.String(); !strings.Contains(told, "example.com/rack") {
		t.Errorf("the plan does not say what is lost:\n%s", told)
	}
}

// defaultStatus: what a definition gives to new objects is not mixed with what was.
func (x *trip) defaultStatus(t *testing.T) {
	definition := x.source.create(t, `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.light.example.com}
spec:
  group: light.example.com
  scope: Namespaced
  names: {plural: lamps, singular: lamp, kind: Lamp, listKind: LampList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          status:
            type: object
            default: {phase: Pending, tried: 0}
            properties: {phase: {type: string}, tried: {type: integer}}`)[0]

	objects := x.source.create(t, `apiVersion: light.example.com/v1
kind: Lamp
metadata: {name: one, namespace: default}
---
apiVersion: light.example.com/v1
kind: Lamp
metadata: {name: untouched, namespace: default}
---
apiVersion: light.example.com/v1
kind: Lamp
metadata: {name: blank, namespace: default}`)

	for at, status := range map[int]map[string]any{0: {"phase": "Running"}, 2: {}} {
		live := x.source.live(t, objects[at])
		live["status"] = status
		if _, err := x.source.resource(t, live).UpdateStatus(t.Context(), &unstructured.Unstructured{Object: live},
			metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}

	x.restore(t, append(objects, definition)...)
	for _, o := range objects {
		x.same(t, o, "status")
	}
	if status := x.target.live(t, objects[0])["status"]; !equalJSON(status, map[string]any{"phase": "Running"}) {
		t.Errorf("the status is %v", status)
	}
}

func (x *trip) released(t *testing.T) {
	objects := x.source.create(t, `apiVersion: v1
kind: Namespace
metadata: {name: heirs}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: legacy}
spec:
  capacity: {storage: 5Gi}
  accessModes: [ReadWriteMany]
  persistentVolumeReclaimPolicy: Retain
  nfs: {server: nas.invalid, path: /export/legacy}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: heirs}
spec: {accessModes: [ReadWriteMany], storageClassName: "", volumeName: legacy, resources: {requests: {storage: 5Gi}}}`)
	volume, claim := objects[1], objects[2]
	phase := func(want string) func(map[string]any) bool {
		return func(live map[string]any) bool { return text(live, "status", "phase") == want }
	}
	x.source.until(t, claim, "bound", phase("Bound"))
	if err := x.source.resource(t, claim).Delete(t.Context(), "data", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	x.source.until(t, volume, "released", phase("Released"))

	x.restore(t, objects[0], volume)
	x.target.until(t, volume, "released", phase("Released"))
	x.target.create(t, "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: heirs}\n"+
		"spec: {accessModes: [ReadWriteMany], storageClassName: \"\", volumeName: legacy, resources: {requests: {storage: 5Gi}}}")
	x.target.until(t, claim, "looked at by the volume controller", func(map[string]any) bool {
		events, err := x.target.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "events"}).Namespace("heirs").
			List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=data"})
		return err == nil && len(events.Items) > 0
	})
	if phase("Bound")(x.target.live(t, claim)) {
		t.Error("a new claim got the data of a claim that is gone")
	}
	x.same(t, volume, "status.phase")
}

func (x *trip) leaving(t *testing.T, source *testcluster.Cluster) {
	objects := x.source.create(t, `apiVersion: v1
kind: Namespace
metadata: {name: leaving}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: content, namespace: leaving}
data: {a: b}`)
	source.StopControllerManager() // it would delete the content at once
	if err := x.source.resource(t, objects[0]).Delete(t.Context(), "leaving", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	result, err := manifest.Default().Make(x.source.live(t, objects[0]))
	if err != nil || result.Decision.Saved {
		t.Fatalf("a namespace that is being deleted is saved: %v (%v)", result.Decision, err)
	}
	plan := x.plan(t, objects[1])
	report := (&theTarget{cluster: x.target.cluster}).apply(t, plan)
	if report.Counts != (Counts{Skipped: 1}) || report.Outcomes[0].Hint == "" {
		t.Errorf("%+v", report)
	}
	findings := (&theTarget{cluster: x.target.cluster}).verify(t, plan)
	mustBeOK(t, findings)
	if len(findings.LeftOut) != 1 {
		t.Errorf("left out %v", findings.LeftOut)
	}

	// Whoever wants it back makes the namespace.
	x.target.create(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: leaving}")
	x.restore(t, objects[1])
	x.same(t, objects[1], "data")
	if err := source.StartControllerManager(t.Context()); err != nil {
		t.Fatal(err)
	}
}

const claimOfAStaticVolume = `apiVersion: v1
kind: Namespace
metadata: {name: NAME}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: nas-NAME}
spec:
  capacity: {storage: 5Gi}
  accessModes: [ReadWriteMany]
  persistentVolumeReclaimPolicy: Retain
  nfs: {server: nas.invalid, path: /export/ledger}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: ledger, namespace: NAME}
spec:
  accessModes: [ReadWriteMany]
  volumeName: nas-NAME
  resources: {requests: {storage: 5Gi}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: plain, namespace: NAME}
spec: {defaultBackend: {service: {name: any, port: {number: 80}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: lone, namespace: NAME}
spec: {nodeSelector: {nowhere: "true"}, containers: [{name: c, image: "x.invalid/c:1"}]}`

const defaultClassesOfTheSource = `apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: csi.invalid
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: edge, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
spec: {controller: example.org/edge}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: usual}
value: 1000
globalDefault: true`

// defaults are those of case 06: what is older than a default class has none.
func (x *trip) defaults(t *testing.T) {
	objects := x.source.create(t, strings.ReplaceAll(claimOfAStaticVolume, "NAME", "vault"))
	bound := func(live map[string]any) bool { return text(live, "status", "phase") == "Bound" }
	x.source.until(t, objects[2], "bound", bound)
	classes := x.source.create(t, defaultClassesOfTheSource)

	x.restore(t, append(objects, classes...)...)

	x.target.until(t, objects[2], "bound to its volume", bound)
	x.same(t, objects[2], "spec.storageClassName", "spec.volumeName")
	x.same(t, objects[3], "spec.ingressClassName")
	x.same(t, objects[4], "spec.priorityClassName", "spec.priority")
	x.same(t, classes[0], "metadata.annotations", "provisioner")
	x.same(t, classes[1], "metadata.annotations")
	x.same(t, classes[2], "globalDefault", "value")
}

// foreignDefaults are in the target before the restore: the claim keeps its volume,
// and what admission fills in is reported before and found afterwards.
func (x *trip) foreignDefaults(t *testing.T) {
	for _, class := range strings.Split(defaultClassesOfTheSource, "\n---\n") {
		o := decode(t, class)
		if err := x.source.resource(t, o).Delete(t.Context(), text(o, "metadata", "name"), metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	objects := x.source.create(t, strings.ReplaceAll(claimOfAStaticVolume, "NAME", "cellar"))
	plan := x.plan(t, objects...)
	target := theTarget{cluster: x.target.cluster}
	target.apply(t, plan)

	x.target.until(t, objects[2], "bound to its volume", func(live map[string]any) bool { return text(live, "status", "phase") == "Bound" })
	var told []string
	for _, n := range plan.Notes {
		if n.Kind == NoteDefault {
			told = append(told, n.Object.Kind)
		}
	}
	var found []string
	for _, f := range target.verify(t, plan).Findings {
		found = append(found, f.Object.Kind+" "+f.Path)
	}
	if strings.Join(told, ", ") != "Ingress, Pod" && strings.Join(told, ", ") != "Pod, Ingress" {
		t.Errorf("told %v", told)
	}
	if strings.Join(found, ", ") != "Pod spec.priorityClassName, Ingress spec.ingressClassName" {
		t.Errorf("found %v", found)
	}
}
