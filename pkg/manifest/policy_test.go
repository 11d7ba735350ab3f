package manifest

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"github.com/appbur/appbur"
)

func parsePolicy(t failer, data []byte) (Policy, error) {
	t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal(data, &node); err != nil {
		t.Fatalf("%v", err)
	}
	return ParsePolicy(&node)
}

// TestParsePolicyRefuses compares the errors about bad policies, with their lines and
// hints, with golden ones.
func TestParsePolicyRefuses(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/policy/bad.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer

	for _, file := range archive.Files {
		name, _, _ := strings.Cut(file.Name, "/")
		policy, err := parsePolicy(t, file.Data)
		if err == nil || !policy.IsZero() {
			t.Errorf("%s: no error, or a policy that is not zero: %v", name, err)
			continue
		}
		fmt.Fprintf(&got, "%s\n", name)
		for _, each := range err.(interface{ Unwrap() []error }).Unwrap() {
			if appbur.HintOf(each) == "" {
				t.Errorf("%s: %v has no hint", name, each)
			}
			fmt.Fprintf(&got, "  %v\n    hint: %s\n", each, appbur.HintOf(each))
		}
	}

	compareGolden(t, "policy/bad.errors", got.Bytes())
}

func TestParsePolicyOfNothing(t *testing.T) {
	for _, node := range []*yaml.Node{nil, {}} {
		policy, err := ParsePolicy(node)
		if err != nil || !policy.IsZero() {
			t.Errorf("%v: %v", policy, err)
		}
	}
	rules, err := Default().With(Policy{})
	if err != nil || rules.Version() != Default().Version() {
		t.Errorf("With the zero Policy: %v, version %s", err, rules.Version())
	}
}

func goodPolicy(t testing.TB) *Rules {
	t.Helper()
	data, err := os.ReadFile("testdata/policy/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := parsePolicy(t, data)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := Default().With(policy)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func TestPolicyDecides(t *testing.T) {
	rules := goodPolicy(t)
	for _, tt := range []struct {
		object, rule string
		saved        bool
	}{
		{"apps/v1 Deployment fleet-a web", "", true},
		{"apps/v1 Deployment team-a web", "user-include", false},
		{"apps/v1 Deployment team-a web backup=yes", "", true},
		{"apps/v1 Deployment fleet-a web-scratch", "user-exclude-1", false},
		{"apps/v1 Deployment fleet-lab web backup=yes", "user-lab", false},
		{"apps/v1 StatefulSet fleet-a db", "user-include", false},
		{"v1 ConfigMap fleet-a settings", "", true},
		{"v1 ConfigMap fleet-a kube-root-ca.crt", "exclude-root-ca", false},
		{"management.cattle.io/v3 Cluster - local", "", true},
		{"fleet.cattle.io/v1 BundleDeployment fleet-a b", "user-exclude-3", false},
		{"example.org/v1 Widget fleet-a w", "user-include", false},
		{"v1 Event fleet-a e", "user-include", false},
		{"v1 Event fleet-a e backup=yes", "exclude-events", false},
		{"v1 Namespace - fleet-a", "", true},
		{"v1 Namespace - fleet-lab", "user-lab", false},
		{"v1 Namespace - anything", "", true}, // a label may select something in it
	} {
		decision, err := rules.Decide(terse(tt.object))
		if err != nil || decision.Rule != tt.rule || decision.Saved != tt.saved {
			t.Errorf("%s: %+v, %v; want %v by %q", tt.object, decision, err, tt.saved, tt.rule)
		}
		if strings.HasPrefix(decision.Rule, userPrefix) && !strings.HasPrefix(decision.Source, "appbur.yaml line ") {
			t.Errorf("%s: source %q names no line", tt.object, decision.Source)
		}
	}
}

// terse makes an object of "apiVersion Kind namespace name label=value".
func terse(text string) map[string]any {
	words := strings.Fields(text)
	metadata := map[string]any{"name": words[3]}
	if words[2] != "-" {
		metadata["namespace"] = words[2]
	}
	for _, label := range words[4:] {
		key, value, _ := strings.Cut(label, "=")
		metadata["labels"] = map[string]any{key: value}
	}
	return map[string]any{"apiVersion": words[0], "kind": words[1], "metadata": metadata}
}

func TestPolicyKeepsWhatIsNeeded(t *testing.T) {
	policy, err := parsePolicy(t,
		[]byte("include:\n- kinds: [Widget.example.org]\n  namespaces: [team-*]\n- kinds: [ClusterRole.rbac.authorization.k8s.io]\n"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := Default().With(policy)
	if err != nil {
		t.Fatal(err)
	}

	definition := func(kind string) map[string]any {
		obj := terse("apiextensions.k8s.io/v1 CustomResourceDefinition - x")
		obj["spec"] = map[string]any{"group": "example.org", "names": map[string]any{"kind": kind}}
		return obj
	}
	for name, tt := range map[string]struct {
		obj   map[string]any
		saved bool
	}{
		"its namespace":    {terse("v1 Namespace - team-a"), true},
		"other namespace":  {terse("v1 Namespace - lab"), false},
		"its definition":   {definition("Widget"), true},
		"other definition": {definition("Gadget"), false},
		"selected":         {terse("example.org/v1 Widget team-a w"), true},
		"not selected":     {terse("example.org/v1 Widget lab w"), false},
		"cluster role":     {terse("rbac.authorization.k8s.io/v1 ClusterRole - r"), true},
	} {
		decision, err := rules.Decide(tt.obj)
		if err != nil || decision.Saved != tt.saved {
			t.Errorf("%s: %+v, %v", name, decision, err)
		}
	}

	for kind, want := range map[string]bool{
		"Widget.example.org": false, "Gadget.example.org": true, "Pod": true, "Namespace": false,
		"CustomResourceDefinition.apiextensions.k8s.io": false, "Event": true,
	} {
		gk, err := appbur.ParseGroupKind(kind)
		if err != nil {
			t.Fatal(err)
		}
		if decision, excluded := rules.ExcludesKind(gk); excluded != want {
			t.Errorf("ExcludesKind(%s) = %v by %s", kind, excluded, decision.Rule)
		}
	}
}

func TestPolicyTakesFields(t *testing.T) {
	rules := goodPolicy(t)
	obj := terse("apps/v1 Deployment fleet-a web")
	obj["spec"] = map[string]any{
		"clusterColour": "blue",
		"template": map[string]any{"spec": map[string]any{"containers": []any{
			map[string]any{"name": "web"}, map[string]any{"name": "sidecar", "image": "x"}, map[string]any{"name": "last"},
		}}},
	}

	result, err := rules.Make(obj)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(result.Manifest.Data); strings.Contains(text, "sidecar") || strings.Contains(text, "blue") ||
		!strings.Contains(text, "last") {
		t.Errorf("manifest:\n%s", text)
	}

	if diff := cmp.Diff(`{"image":"x","name":"sidecar"}`, string(result.Entry.Fields["spec.template.spec.containers[1]"])); diff != "" {
		t.Errorf("index (-want +got):\n%s", diff)
	}
	taken, err := rules.Explain(obj)
	if err != nil {
		t.Fatal(err)
	}

	for _, each := range taken {
		if !strings.HasPrefix(each.Rule.ID, "user-fields-") || each.Rule.Source == "" {
			t.Errorf("%s taken by %s of %q", each.Path, each.Rule.ID, each.Rule.Source)
		}
	}

	if len(taken) != 2 {
		t.Errorf("%d values taken, want 2", len(taken))
	}
}

func TestPolicySeals(t *testing.T) {
	rules := goodPolicy(t)
	config := terse("v1 ConfigMap fleet-a c")
	config["data"] = map[string]any{"tls.key": "canary", "tls.crt": "x", "password": "canary", "passwords": "x"}
	cluster := terse("management.cattle.io/v3 Cluster - c")
	cluster["spec"] = map[string]any{
		"name": "c", "credentials": map[string]any{"a": "canary", "b": []any{"canary"}},
		"users": []any{map[string]any{"name": "u", "password": "canary"}},
	}
	cluster["metadata"].(map[string]any)["annotations"] = map[string]any{"example.org/token": "canary", "other": "x"}
	cluster["status"] = map[string]any{"token": "canary", "phase": "Ready"}
	token := terse("management.cattle.io/v3 Token - t")
	token["token"], token["expires"] = "canary", int64(3)

	for _, tt := range []struct {
		obj      map[string]any
		paths    [][]string
		withheld []string
	}{
		{terse("v1 ConfigMap fleet-a empty"), nil, nil},
		{terse("v1 Secret fleet-a s"), [][]string{{"data"}, {"stringData"}}, nil},
		{config, [][]string{{"data", "password"}, {"data", "tls.key"}}, nil},
		{cluster, [][]string{{"spec", "credentials"}, {"spec", "users"}}, []string{"status.token"}},
		{token, [][]string{{"expires"}, {"token"}}, nil},
	} {
		result, err := rules.Make(tt.obj)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.paths, result.Manifest.SecretPaths); diff != "" || result.Manifest.Sensitive != (len(tt.paths) > 0) {
			t.Errorf("%s: sensitive %v, paths (-want +got):\n%s", result.Manifest.ID, result.Manifest.Sensitive, diff)
		}
		if diff := cmp.Diff(tt.withheld, result.Entry.Withheld); diff != "" {
			t.Errorf("%s: withheld (-want +got):\n%s", result.Manifest.ID, diff)
		}
		if entry := mustJSON(t, result.Entry); strings.Contains(entry, "canary") {
			t.Errorf("%s: a secret is in the index: %s", result.Manifest.ID, entry)
		}
	}
}

func TestHelmReleaseConfigMapIsSealed(t *testing.T) {
	for label, want := range map[string]bool{"owner=helm": true, "OWNER=TILLER": true, "owner=me": false} {
		obj := terse("v1 ConfigMap a sh.helm.release.v1.a.v1 " + label)
		obj["data"] = map[string]any{"release": "H4sI"}
		result, err := Default().Make(obj)
		if err != nil || result.Manifest.Sensitive != want {
			t.Errorf("%s: sensitive %v, %v", label, result.Manifest.Sensitive, err)
		}
	}
}

// TestPolicyCannotUndoSafety checks that no rule of a user saves what must not be.
func TestPolicyCannotUndoSafety(t *testing.T) {
	policy, err := parsePolicy(t,
		[]byte("fields:\n- {kinds: [\"*\"], path: 'metadata.annotations[\"kubectl.kubernetes.io/*\"]', effect: index, reason: r}\n"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := Default().With(policy)
	if err != nil {
		t.Fatal(err)
	}
	obj := terse("v1 ConfigMap a b")
	obj["metadata"].(map[string]any)["annotations"] = map[string]any{lastApplied: "canary", "kubectl.kubernetes.io/restartedAt": "now"}
	result, err := rules.Make(obj)
	if err != nil {
		t.Fatal(err)
	}
	if all := mustJSON(t, result.Entry) + string(result.Manifest.Data); strings.Contains(all, "canary") || !strings.Contains(all, "now") {
		t.Errorf("manifest and entry: %s", all)
	}
}

// TestPolicyVersion checks that the version follows what a policy says, and nothing
// else of its text.
func TestPolicyVersion(t *testing.T) {
	version := func(text string) string {
		policy, err := parsePolicy(t, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		rules, err := Default().With(policy)
		if err != nil {
			t.Fatal(err)
		}
		return rules.Version()
	}

	base := version("exclude:\n- names: [a, b]\n")
	if base == Default().Version() {
		t.Error("a policy does not change the version")
	}

	for _, same := range []string{"# comment\n\nexclude:\n- reason: words\n  names: [b, a]\n", "exclude: [{names: [a, b]}]"} {
		if version(same) != base {
			t.Errorf("another version for %q", same)
		}
	}

	for _, other := range []string{
		"exclude:\n- names: [a]\n", "include:\n- names: [a, b]\n", "exclude:\n- namespaces: [a, b]\n",
		"exclude:\n- names: [a, b]\n  labels: a=b\n",
	} {
		if version(other) == base {
			t.Errorf("the same version for %q", other)
		}
	}

	compareGolden(t, "policy/good.txt", []byte(goodPolicy(t).Render()[:strings.Index(goodPolicy(t).Render(), "\nbuilt-in kinds\n")]))
}

func FuzzParsePolicy(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/policy/bad.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add(file.Data)
	}
	good, err := os.ReadFile("testdata/policy/good.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)

	f.Fuzz(func(t *testing.T, data []byte) {
		var node yaml.Node
		if yaml.Unmarshal(data, &node) != nil {
			return
		}
		policy, err := ParsePolicy(&node)
		if err != nil {
			if !policy.IsZero() {
				t.Fatalf("an error and a policy: %v", err)
			}
			return
		}
		rules, err := Default().With(policy)
		if err != nil {
			t.Fatalf("a policy that was parsed is refused: %v", err)
		}
		obj := terse("v1 ConfigMap a b c=d")
		result, err := rules.Make(obj)
		if err != nil {
			t.Fatal(err)
		}
		if result.Decision.Saved && !bytes.Contains(result.Manifest.Data, []byte("name: b")) {
			t.Fatalf("a policy removed the name:\n%s", result.Manifest.Data)
		}
	})
}
