package restore

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

const plainFleet = `apiVersion: v1
kind: Namespace
metadata: {name: a, uid: n, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Pod
metadata: {name: old, namespace: a, uid: p}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: valves.example.org, uid: d}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Valve, plural: valves, singular: valve, listKind: ValveList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: example.org/v1
kind: Valve
metadata: {name: main, namespace: a, uid: v}
spec: {open: true}
status: {phase: Open}
---
apiVersion: v1
kind: Secret
metadata:
  name: main-login
  namespace: a
  uid: s
  ownerReferences: [{apiVersion: example.org/v1, kind: Valve, name: main, uid: v}]
data: {password: aHVzaA==}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: hook, uid: w}
webhooks: []
`

func objectsOf(t tb, documents string) []map[string]any {
	t.Helper()
	var objects []map[string]any
	for _, document := range strings.Split(documents, "---\n") {
		objects = append(objects, decode(t, document))
	}
	return objects
}

func TestPlainObjectsComeInTheOrderOfARestoreAndSayWhatTheyLack(t *testing.T) {
	plan, err := NewPlan(pointOf(t, objectsOf(t, plainFleet)...), compat.TableTarget(appbur.KubeVersion{Major: 1, Minor: 37}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := plan.Plain()
	if err != nil {
		t.Fatal(err)
	}

	var order []string
	byName := make(map[string]PlainObject)
	for _, o := range objects {
		order = append(order, o.Phase.Name+" "+o.Object.Name)
		byName[o.Object.Name] = o
		if o.Content["status"] != nil || field(o.Content, "metadata", "ownerReferences") != nil {
			t.Errorf("%s has what belongs to a cluster: %v", o.Object, o.Content)
		}
	}
	want := []string{"definitions valves.example.org", "objects a", "objects main", "objects main-login", "pods old", "admission hook"}
	if !slices.Equal(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}

	login := byName["main-login"]
	if len(login.Owners) != 1 || login.Owners[0].Object.Name != "main" || !login.Holds([]string{"data"}) || len(login.Secrets) == 0 {
		t.Errorf("%+v", login)
	}
	if !byName["main"].Status || byName["a"].Status {
		t.Error("it does not say which object lacks its status")
	}
	if o := byName["a"]; o.Late == "" || field(o.Content, "metadata", "labels", "pod-security.kubernetes.io/enforce") == nil {
		t.Errorf("it does not say that the policy acts at once: %+v", o)
	}
}

func TestWhatServerSideApplyRefusesIsKnown(t *testing.T) {
	for text, refused := range map[string]bool{
		`{data: {a: "x\ty\n"}}`: false, `{data: {a: "\x7f"}}`: true, `{data: {"\x85": x}}`: true,
		`{env: [{name: a}, {name: b}]}`: false, `{spec: [{env: [{name: a}, {name: a}]}]}`: true,
		`{ports: [{containerPort: 1}, {containerPort: 1, protocol: UDP}]}`: false,
		`{ports: [{containerPort: 1}, {containerPort: 1, protocol: TCP}]}`: true,
		`{ports: [{port: 1, name: a}, {port: 1, name: b}]}`:                true,
		`{ports: [{name: a}, {name: a}, a, a]}`:                            false,
		"{data: {? " + strings.Repeat("k", 1025) + ": x}}":                 true,
	} {
		if why := unappliable(decode(t, text)); (why != "") != refused {
			t.Errorf("%s: %q", text, why)
		}
	}
}

func TestNothingIsPlainWhileObjectsAreBlocked(t *testing.T) {
	point := pointOf(t, objectsOf(t, "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: old, uid: u}\nspec: {}\n")...)
	for allowed, want := range map[bool]error{true: nil, false: ErrBlocked} {
		plan, err := NewPlan(point, compat.TableTarget(appbur.KubeVersion{Major: 1, Minor: 37}), Options{Policy: Policy{AllowBlocked: allowed}})
		if err != nil {
			t.Fatal(err)
		}
		if objects, err := plan.Plain(); !errors.Is(err, want) || len(objects) > 0 {
			t.Errorf("allowed %t: %v, %v", allowed, objects, err)
		}
	}
}

// Where conversion renames a field that holds a secret, nothing says what to encrypt.
func TestASecretThatMovedIsNotWrittenInClear(t *testing.T) {
	o := PlainObject{Object: appbur.ObjectID{Kind: "Thing", Name: "x"}}
	step := &Step{
		Content:   ContentOf(map[string]any{"renamed": "hush"}),
		details:   &StepDetails{original: &original{content: ContentOf(map[string]any{"token": "hush"})}},
		redaction: &redaction{paths: [][]string{{"token"}}},
	}
	if err := o.complete(step); !errors.Is(err, ErrSecretMoved) {
		t.Errorf("got %v", err)
	}
	step.Content = ContentOf(map[string]any{"token": "hush"})
	if err := o.complete(step); err != nil {
		t.Error(err)
	}
}
