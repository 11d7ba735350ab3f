//go:build integration

package restore

import (
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
)

// TestOddObjectsOnAnOldServer restores to the oldest server what the tests on the
// newest one restore there.
func TestOddObjectsOnAnOldServer(t *testing.T) {
	running := testcluster.New(t, "1.24.17")
	r := &theTarget{Cluster: running, config: running.RESTConfig()}
	var err error
	if r.dynamic, err = dynamic.NewForConfig(r.config); err != nil {
		t.Fatal(err)
	}
	if r.cluster, err = NewCluster(r.config); err != nil {
		t.Fatal(err)
	}

	t.Run("elements of one key", r.elementsOfOneKey)
	t.Run("keys that are no YAML", r.longKeys)
	t.Run("status that is no object", r.statusThatIsNoObject)
	t.Run("a webhook without its backend", r.webhookWithoutBackend)
	t.Run("an owner that the server refuses", r.refusedOwner)
	t.Run("expected refusals by schemas", r.expectedRefusals)
	t.Run("another version takes it", r.anotherVersion)
}

const twins = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: twice, namespace: default}
spec:
  replicas: 0
  selector: {matchLabels: {app: twice}}
  template:
    metadata: {labels: {app: twice}}
    spec:
      containers:
      - name: a
        image: example.org/a:1
        env: [{name: A, value: "1"}, {name: B, value: "2"}, {name: A, value: "3"}]
        ports: [{containerPort: 53, protocol: TCP}, {containerPort: 53, protocol: TCP, name: again}]
      imagePullSecrets: [{name: pull}, {name: pull}]
      hostAliases: [{ip: 10.0.0.1, hostnames: [a]}, {ip: 10.0.0.1, hostnames: [b]}]
`

// elementsOfOneKey restores what server-side apply refuses to write.
func (r *theTarget) elementsOfOneKey(t *testing.T) {
	plan := r.planOf(t, Policy{}, decode(t, twins))
	if report := r.apply(t, plan); report.Counts.Created != 1 {
		t.Errorf("first run: %s", report.Counts)
	}
	mustBeOK(t, r.verify(t, plan))
	mustBeUnchanged(t, r.apply(t, plan))

	// Another order of the same elements means something else.
	changed := r.planOf(t, Policy{ForceConflicts: true}, decode(t, strings.Replace(twins, `value: "3"`, `value: "4"`, 1)))
	if report := r.apply(t, changed); report.Counts.Configured != 1 {
		t.Errorf("changed: %s", report.Counts)
	}
	mustBeOK(t, r.verify(t, changed))
	mustBeUnchanged(t, r.apply(t, changed))

	// Back to an object that apply could write, over one that it cannot read.
	single := strings.Replace(twins, `, {name: A, value: "3"}`, "", 1)
	single = strings.Replace(single, `, {containerPort: 53, protocol: TCP, name: again}`, "", 1)
	single = strings.Replace(single, `, {name: pull}]`, "]", 1)
	single = strings.Replace(single, `, {ip: 10.0.0.1, hostnames: [b]}`, "", 1)
	back := r.planOf(t, Policy{ForceConflicts: true}, decode(t, single))
	r.apply(t, back)
	mustBeOK(t, r.verify(t, back))
}

const longKeyed = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ledgers.stat.example.org}
spec:
  group: stat.example.org
  scope: Cluster
  names: {kind: Ledger, plural: ledgers, singular: ledger, listKind: LedgerList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, additionalProperties: {type: string}}}}}
`

// longKeys restores keys that no YAML reader takes, which an apply is read by.
func (r *theTarget) longKeys(t *testing.T) {
	ledger := func(value string) map[string]any {
		return map[string]any{
			"apiVersion": "stat.example.org/v1", "kind": "Ledger", "metadata": map[string]any{"name": "long"},
			"spec": map[string]any{strings.Repeat("k", 1023): value, strings.Repeat("k", 1025): value, strings.Repeat("監", 2000): value},
		}
	}
	plan := r.planOf(t, Policy{}, decode(t, longKeyed), ledger("1"))
	if report := r.apply(t, plan); report.Counts.Created != 2 {
		t.Errorf("first run: %s", report.Counts)
	}
	mustBeOK(t, r.verify(t, plan))
	mustBeUnchanged(t, r.apply(t, plan))

	changed := r.planOf(t, Policy{ForceConflicts: true}, decode(t, longKeyed), ledger("2"))
	if report := r.apply(t, changed); report.Counts.Configured != 1 {
		t.Errorf("changed: %s", report.Counts)
	}
	mustBeOK(t, r.verify(t, changed))
}

const orders = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: orders.stat.example.org}
spec:
  group: stat.example.org
  scope: Cluster
  names: {kind: Order, plural: orders, singular: order, listKind: OrderList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}, status: {x-kubernetes-preserve-unknown-fields: true}}
`

// statusThatIsNoObject restores a status of every type that JSON has, of a kind for
// which it is a field like any other.
func (r *theTarget) statusThatIsNoObject(t *testing.T) {
	objects := []map[string]any{decode(t, orders)}
	statuses := []string{`shipped`, `[a, b]`, `3`, `true`, `""`, `[]`, `{}`, `{phase: x}`, `false`, `0`}
	for i, status := range statuses {
		name := string(rune('a' + i))
		objects = append(objects,
			decode(t, "apiVersion: stat.example.org/v1\nkind: Order\nmetadata: {name: "+name+"}\nspec: {n: 1}\nstatus: "+status+"\n"))
	}
	plan := r.planOf(t, Policy{}, objects...)
	r.apply(t, plan)
	mustBeOK(t, r.verify(t, plan))

	for i, want := range objects[1:] {
		id := appbur.ObjectID{Group: "stat.example.org", Kind: "Order", Name: string(rune('a' + i))}
		live, err := r.cluster.Get(t.Context(), id, "stat.example.org/v1")
		if err != nil {
			t.Fatal(err)
		}
		if !equalJSON(want["status"], live["status"]) {
			t.Errorf("the status %s is now %v", statuses[i], live["status"])
		}
	}
	mustBeUnchanged(t, r.apply(t, plan))

	objects[1]["status"] = "lost"
	if found := r.verify(t, r.planOf(t, Policy{}, objects...)).Findings; len(found) != 1 || found[0].Path != "status" {
		t.Errorf("another status is no difference: %v", found)
	}
}

const guard = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard}
webhooks:
- name: guard.example.org
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 1
  matchPolicy: Equivalent
  namespaceSelector: {}
  objectSelector: {}
  clientConfig: {url: "https://127.0.0.1:1/nobody"}
  rules: [{apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: ["*/*"], scope: "*"}]
`

// webhookWithoutBackend restores twice what judges all writes and does not answer.
func (r *theTarget) webhookWithoutBackend(t *testing.T) {
	_, objects := readArchive(t, "testdata/plan/owned-custom-resources.txtar")
	plan := r.planOf(t, Policy{}, append(objects, decode(t, guard))...)
	r.apply(t, plan)
	defer func() {
		webhooks := schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
		if err := r.dynamic.Resource(webhooks).Delete(t.Context(), "guard", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}()
	mustBeOK(t, r.verify(t, plan))

	mustBeUnchanged(t, r.apply(t, plan))
}

const valves = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: valves.tight.example.org}
spec:
  group: tight.example.org
  scope: Namespaced
  names: {kind: Valve, plural: valves, singular: valve, listKind: ValveList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {mode: {type: string, enum: [manual, auto]}}}}
`

// refusedOwner restores a Secret of an object that is older than the schema which
// now refuses it.
func (r *theTarget) refusedOwner(t *testing.T) {
	report, err := Apply(t.Context(), r.planOf(t, Policy{},
		decode(t, valves),
		decode(t,
			"apiVersion: tight.example.org/v1\nkind: Valve\nmetadata: {name: good, namespace: default, uid: uid-good}\nspec: {mode: manual}\n"),
		decode(t,
			"apiVersion: tight.example.org/v1\nkind: Valve\nmetadata: {name: old, namespace: default, uid: uid-old}\nspec: {mode: LEGACY}\n"),
		decode(t, `
apiVersion: v1
kind: Secret
metadata:
  name: old-credentials
  namespace: default
  ownerReferences: [{apiVersion: tight.example.org/v1, kind: Valve, name: old, uid: uid-old, controller: true}]
data: {p: aHVzaA==}
`)), r.cluster, nil)

	if !errors.Is(err, ErrIncomplete) || report.Counts.Failed != 1 ||
		outcomeOf(t, report, "Valve.tight.example.org/default/old").Result != Failed {
		t.Fatalf("%s (%v)", report.Counts, err)
	}
	secret := outcomeOf(t, report, "Secret/default/old-credentials")
	if secret.Result != Created || len(secret.Notes) != 1 || !strings.Contains(secret.Notes[0], "Valve.tight.example.org/default/old failed") {
		t.Errorf("%+v", secret)
	}
}
