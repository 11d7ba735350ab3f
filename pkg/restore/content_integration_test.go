//go:build integration

package restore

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// post creates an object with exactly these bytes, as programs do that encode JSON
// in another way than ours.
func (s *side) post(t *testing.T, path string, o map[string]any) {
	t.Helper()
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(o); err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(s.config)
	if err != nil {
		t.Fatal(err)
	}

	retry(t, func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.config.Host+path, bytes.NewReader(body.Bytes()))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			return err
		}
		if answer.StatusCode == http.StatusNotFound {
			return errNotYet
		}
		if answer.StatusCode != http.StatusCreated {
			return fmt.Errorf("%s: %.300s", answer.Status, text)
		}
		return nil
	})
}

const freeDefinition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {kind: KIND, plural: PLURAL, singular: SINGULAR, listKind: KINDList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]`

func definitionOf(group, kind string) string {
	singular := strings.ToLower(kind)
	return strings.NewReplacer("GROUP", group, "KIND", kind, "PLURAL", singular+"s", "SINGULAR", singular).Replace(freeDefinition)
}

func named(apiVersion, kind, namespace, name string, more map[string]any) map[string]any {
	o := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name, "namespace": namespace}}
	for key, value := range more {
		o[key] = value
	}
	return o
}

// huge are objects whose request grows: by escapes, by base64, by managed fields.
func (x *trip) huge(t *testing.T) {
	objects := x.source.create(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: huge}")
	noise := make([]byte, 1_048_000)
	random := rand.NewChaCha8([32]byte{7})
	_, _ = random.Read(noise)
	many := map[string]any{}
	for i := range 30_000 {
		many[fmt.Sprintf("key-%05d", i)] = "v"
	}
	const maps = "/api/v1/namespaces/huge/configmaps"
	for _, big := range []struct {
		path   string
		object map[string]any
	}{
		{maps, named("v1", "ConfigMap", "huge", "text", map[string]any{"data": map[string]any{"k": strings.Repeat("\"\\\n\t", 262_000)}})},
		{maps, named("v1", "ConfigMap", "huge", "many", map[string]any{"data": many})},
		{maps, named("v1", "ConfigMap", "huge", "angle", map[string]any{"data": map[string]any{"k": strings.Repeat("<&>", 340_000)}})},
		{
			"/api/v1/namespaces/huge/secrets",
			named("v1", "Secret", "huge", "sec", map[string]any{"data": map[string]any{"k": base64.StdEncoding.EncodeToString(noise)}}),
		},
	} {
		x.source.post(t, big.path, big.object)
		objects = append(objects, big.object)
	}

	x.restore(t, objects...)

	for _, o := range objects[1:] {
		x.same(t, o, "data")
	}
}

// hostileText is text that YAML readers take for something else, or cannot read.
func (x *trip) hostileText(t *testing.T) {
	raw, err := os.ReadFile("testdata/hostile-text.json")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	if err := json.Unmarshal(raw, &texts); err != nil {
		t.Fatal(err)
	}
	objects := x.source.create(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: hostile}\n---\n"+definitionOf("txt.example.org", "Txt"))
	data, annotations, custom := map[string]any{}, map[string]any{}, map[string]any{}
	for i, text := range texts {
		data[fmt.Sprintf("k%03d", i)], annotations[fmt.Sprintf("example.org/k%03d", i)], custom[text] = text, text, text
	}
	for _, key := range []string{"no", "on", "null", "1e3", "0x1F", "017", "1.0", ".hidden", "-", "_", "y", "true"} {
		data[key] = "v"
	}
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	labels := map[string]any{"no": "on", "1e3": "0x1F", "null": "null", "y": "017", "t": "1.0"}
	metadata := func(name string) map[string]any {
		return map[string]any{"name": name, "namespace": "hostile", "annotations": annotations, "labels": labels}
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	hostile := []map[string]any{
		{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("c"), "data": data},
		{
			"apiVersion": "v1", "kind": "Secret", "metadata": metadata("s"), "stringData": data,
			"data": map[string]any{"raw": base64.StdEncoding.EncodeToString(every), "empty": ""},
		},
		{"apiVersion": "txt.example.org/v1", "kind": "Txt", "metadata": metadata("t"), "spec": map[string]any{
			"m": custom, "l": list, "b": []any{true, false, nil}, "e": []any{map[string]any{}, []any{}, ""},
			"n": []any{
				1, 0, -1, 1.5, 0.1, 1e21, 1e-7, int64(9007199254740993), int64(-9223372036854775808), int64(9223372036854775807),
				123456789.125, 5e-324, 1.7976931348623157e308,
			},
		}},
	}
	for i, path := range []string{
		"/api/v1/namespaces/hostile/configmaps", "/api/v1/namespaces/hostile/secrets", "/apis/txt.example.org/v1/namespaces/hostile/txts",
	} {
		x.source.post(t, path, hostile[i])
	}

	x.restore(t, append(objects, hostile...)...)

	for _, o := range hostile {
		x.same(t, o, "data", "spec", "metadata.annotations", "metadata.labels")
	}
}

// tokens are of accounts that a controller of the target makes after the namespace,
// and of accounts of the point. The token controller deletes a Secret that comes
// before its account.
func (x *trip) tokens(t *testing.T) {
	var spaces, documents []string
	for i := range 5 {
		spaces = append(spaces, fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: tok-%d}", i))
		documents = append(documents, strings.ReplaceAll(`apiVersion: v1
kind: Secret
metadata: {name: ci-token, namespace: tok-N, annotations: {kubernetes.io/service-account.name: default, example.org/used-by: jenkins}}
type: kubernetes.io/service-account-token
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: tok-N}
secrets: [{name: robot-token}]
---
apiVersion: v1
kind: Secret
metadata: {name: robot-token, namespace: tok-N, annotations: {kubernetes.io/service-account.name: robot}}
type: kubernetes.io/service-account-token`, "tok-N", fmt.Sprintf("tok-%d", i)))
	}
	namespaces := x.source.create(t, strings.Join(spaces, "\n---\n"))
	for _, o := range namespaces { // the source had its accounts before their tokens
		account := decode(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: "+text(o, "metadata", "name")+"}")
		x.source.appears(t, account)
	}
	objects := append(namespaces, x.source.create(t, strings.Join(documents, "\n---\n"))...)
	hasToken := func(live map[string]any) bool { return text(live, "data", "token") != "" }

	x.restore(t, objects...)

	for _, o := range objects {
		if text(o, "kind") != "Secret" {
			continue
		}
		x.source.until(t, o, "has a token", hasToken)
		x.target.until(t, o, "has a token", hasToken)
		if text(x.source.live(t, o), "data", "token") == text(x.target.live(t, o), "data", "token") {
			t.Errorf("%s has the token of the old cluster", text(o, "metadata", "namespace"))
		}
	}
}

// contest are two definitions of one kind: the one that served in the source serves
// in the target, the other one is there and waits as it did.
func (x *trip) contest(t *testing.T) {
	const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.contest.example.org}
spec:
  group: contest.example.org
  scope: Cluster
  names: {kind: Animal, plural: PLURAL, singular: SINGULAR, listKind: AnimalList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]`
	condition := func(kind, want string) func(map[string]any) bool {
		return func(live map[string]any) bool {
			for _, c := range list(live, "status", "conditions") {
				if text(c, "type") == kind {
					return text(c, "status") == want
				}
			}
			return false
		}
	}
	winner := x.source.create(t, strings.NewReplacer("PLURAL", "zebras", "SINGULAR", "zebra").Replace(definition))[0]
	x.source.until(t, winner, "established", condition("Established", "True"))
	// Ages count in seconds (metadata.creationTimestamp), and the second one must be younger.
	for born, n := text(x.source.live(t, winner), "metadata", "creationTimestamp"), 0; ; n++ {
		tick := x.source.create(t, fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tick-%d, namespace: default}", n))[0]
		if text(x.source.live(t, tick), "metadata", "creationTimestamp") > born {
			break
		}
	}
	loser := x.source.create(t, strings.NewReplacer("PLURAL", "apes", "SINGULAR", "ape").Replace(definition))[0]
	x.source.until(t, loser, "not accepted", condition("NamesAccepted", "False"))
	stripes := map[string]any{
		"apiVersion": "contest.example.org/v1", "kind": "Animal", "metadata": map[string]any{"name": "stripes"},
		"spec": map[string]any{"legs": int64(4)},
	}
	x.source.post(t, "/apis/contest.example.org/v1/zebras", stripes)
	after := x.source.create(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: after, namespace: default}\ndata: {k: v}")[0]

	zebras := func(s *side) map[string]any {
		found, err := s.dynamic.Resource(gvr("contest.example.org", "v1", "zebras")).Get(t.Context(), "stripes", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return found.Object
	}
	plan := x.planOf(t, zebras(x.source), x.source.live(t, winner), x.source.live(t, loser), x.source.live(t, after))
	report := (&theTarget{cluster: x.target.cluster}).apply(t, plan)

	if !equalJSON(zebras(x.target)["spec"], stripes["spec"]) {
		t.Errorf("spec %v", zebras(x.target)["spec"])
	}
	x.target.until(t, loser, "not accepted, as in the source", condition("NamesAccepted", "False"))
	x.same(t, after, "data")
	if report.Counts.Created != 4 {
		t.Errorf("%s", report.Counts)
	}
	if !slices.ContainsFunc(plan.Notes, func(n Note) bool { return n.Kind == NoteContest && n.Object.Name == "apes.contest.example.org" }) {
		t.Errorf("nothing is said of the definition that lost: %v", plan.Notes)
	}
}

// changedDefaults are objects that every cluster makes, and that were changed.
func (x *trip) changedDefaults(t *testing.T) {
	const rbac = "apiVersion: rbac.authorization.k8s.io/v1\nkind: "
	admin := decode(t, rbac+"ClusterRoleBinding\nmetadata: {name: cluster-admin}")
	discovery := decode(t, rbac+"ClusterRole\nmetadata: {name: system:discovery}")
	public := decode(t, rbac+"ClusterRoleBinding\nmetadata: {name: system:public-info-viewer}")
	system := decode(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}")
	low := decode(t, "apiVersion: flowcontrol.apiserver.k8s.io/v1beta2\nkind: PriorityLevelConfiguration\nmetadata: {name: workload-low}")
	x.source.change(t, admin, `{"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"system:masters"},
		{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"ops-team"}]}`)
	x.source.change(t, discovery, `{"metadata":{"annotations":{"rbac.authorization.kubernetes.io/autoupdate":"false"}},
		"rules":[{"nonResourceURLs":["/version"],"verbs":["get"]}]}`)
	x.source.change(t, public, `{"metadata":{"annotations":{"rbac.authorization.kubernetes.io/autoupdate":"false"}},
		"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"system:authenticated"}]}`)
	x.source.change(t, system, `{"metadata":{"labels":{"owner":"platform"}}}`)
	x.source.change(t, low,
		`{"metadata":{"annotations":{"apf.kubernetes.io/autoupdate-spec":"false"}},"spec":{"limited":{"assuredConcurrencyShares":55}}}`)
	team := x.source.create(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}")[0]
	account := decode(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: team}")
	retry(t, func() error {
		_, err := x.source.resource(t, account).Get(t.Context(), "default", metav1.GetOptions{})
		return err
	})
	x.source.change(t, account, `{"imagePullSecrets":[{"name":"reg"}],"automountServiceAccountToken":false}`)

	x.restore(t, admin, discovery, public, system, low, team, account)

	x.same(t, admin, "subjects")
	x.same(t, discovery, "rules", "metadata.annotations")
	x.same(t, public, "subjects")
	x.same(t, system, "metadata.labels")
	x.same(t, account, "imagePullSecrets", "automountServiceAccountToken")
	now := decode(t, "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: PriorityLevelConfiguration\nmetadata: {name: workload-low}")
	if shares := field(x.target.live(t, now), "spec", "limited", "nominalConcurrencyShares"); shares != int64(55) {
		t.Errorf("workload-low has %v shares", shares)
	}
}

// unchangeable fields of objects of another manager look like conflicts first.
func (x *trip) unchangeable(t *testing.T) {
	document := `apiVersion: v1
kind: ConfigMap
metadata: {name: fixed, namespace: default}
immutable: true
data: {a: SIDE}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fixed}
provisioner: SIDE.example.org
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: SIDE-default}
value: 5
globalDefault: true`

	objects := x.source.create(t, strings.ReplaceAll(document, "SIDE", "source"))
	theirs := x.target.create(t, strings.ReplaceAll(document, "SIDE", "target"))
	report, err := Apply(t.Context(), x.plan(t, objects...), x.target.cluster, nil)
	if !errors.Is(err, ErrIncomplete) || report.Counts.Failed != 3 {
		t.Fatalf("%v: %+v", err, report)
	}

	for _, o := range report.Outcomes {
		want := "cannot be changed, not by force either"
		if o.Object.Kind == "PriorityClass" {
			want = "another PriorityClass with globalDefault"
		}
		if !strings.Contains(o.Hint, want) {
			t.Errorf("%s: %s (%s)", o.Object, o.Reason, o.Hint)
		}
	}

	for _, s := range []struct {
		*side
		o map[string]any
	}{{x.source, objects[2]}, {x.target, theirs[2]}} {
		if err := s.resource(t, s.o).Delete(t.Context(), text(s.o, "metadata", "name"), metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}
