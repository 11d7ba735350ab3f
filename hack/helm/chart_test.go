package helm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"

	"github.com/appbur/appbur/deploy"
)

const (
	chartDir  = "../../deploy/chart"
	namespace = "appbur-system"
)

// installations are what somebody may say to Helm, and to kustomize for the same.
var installations = map[string]struct {
	values     string
	components []string
}{
	"default": {"namespace: {create: true}", []string{"components/git-credentials", "components/metrics", "components/network-policy"}},
	"the least": {
		"{namespace: {create: true}, git: {credentials: false}, metrics: {service: false}, networkPolicy: {enabled: false}}", nil,
	},
	"all of it": {
		`
namespace: {create: true}
replicas: 2
metrics: {rules: true}
audit: {webhook: true}
keys: {externalSecret: {enabled: true}, sealedSecret: {enabled: true, encryptedData: {signing.key: "", fingerprint.key: "", allowed_signers: ""}}}`,
		[]string{
			"components/git-credentials", "components/metrics", "components/network-policy", "components/ha", "metrics", "components/audit",
			"components/keys/external-secret", "components/keys/sealed-secret",
		},
	},
}

// Helm has nothing to say against the chart.
func TestChartIsLinted(t *testing.T) {
	for name, installation := range installations {
		result := lint.RunAll(chartDir, valuesOf(t, installation.values), namespace)
		for _, message := range result.Messages {
			if message.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, message)
			}
		}
	}
}

// The chart installs what kustomize does, object by object, whatever is switched on.
func TestChartIsTheKustomization(t *testing.T) {
	for name, installation := range installations {
		t.Run(name, func(t *testing.T) {
			text := "resources: [../deploy/base]\nnamespace: " + namespace +
				"\nimages: [{name: appbur, newName: registry.example/appbur, newTag: latest}]\n"
			if len(installation.components) > 0 {
				text += "components: [../deploy/" + strings.Join(installation.components, ", ../deploy/") + "]\n"
			}
			objects, err := deploy.Overlay(text, nil)
			if err != nil {
				t.Fatal(err)
			}
			want, got := byName(t, objects), byName(t, render(t, installation.values))
			if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
				t.Error(diff)
			}
			for name := range want {
				if diff := cmp.Diff(want[name], got[name]); diff != "" {
					t.Errorf("%s\n%s", name, diff)
				}
			}
		})
	}
}

// By default the chart installs what `kubectl apply -k deploy/` does, but for the namespace, which Helm makes.
func TestDefaultIsTheSame(t *testing.T) {
	objects, err := deploy.BuildDefault()
	if err != nil {
		t.Fatal(err)
	}
	want := byName(t, objects)
	delete(want, "Namespace "+namespace)
	if diff := cmp.Diff(want, byName(t, render(t, "{}"))); diff != "" {
		t.Error(diff)
	}
}

// Each setting goes where it belongs.
func TestSettingsAreObeyed(t *testing.T) {
	for _, test := range []struct{ values, object, has string }{
		{"image: {repository: r.internal/a, tag: v2}", "Deployment appbur", `"image":"r.internal/a:v2"`},
		{"image: {digest: \"sha256:" + strings.Repeat("a", 64) + "\"}", "Deployment appbur", `"image":"registry.example/appbur@sha256:aaaa`},
		{"image: {pullPolicy: Always}", "Deployment appbur", `"imagePullPolicy":"Always"`},
		{"imagePullSecrets: [{name: login}]", "Deployment appbur", `"imagePullSecrets":[{"name":"login"}]`},
		{"replicas: 3", "Deployment appbur", `"replicas":3`},
		{"replicas: 2", "PodDisruptionBudget appbur", `"minAvailable":1`},
		{"resources: {limits: {memory: 2Gi}}", "Deployment appbur", `"memory":"2Gi"`},
		{"configuration: {watch: {quiet: 5s}}", "ConfigMap appbur", `"watch":{"quiet":"5s"}`},
		{"keys: {secretName: other}", "Deployment appbur", `"name":"other"}},{"secret":`},
		{
			"configuration: {repository: {remotes: [{name: a, url: \"https://a.example/a.git\"}]}}", "ConfigMap appbur",
			`"remotes":[{"name":"a","url":"https://a.example/a.git"}]`,
		},
		{"git: {secretName: login}", "Deployment appbur", `"name":"login","optional":true`},
		{"rbac: {rules: [{apiGroups: [\"\"], resources: [secrets], verbs: [list]}]}", "ClusterRole appbur", `"rules":[{"apiGroups":[""],"resources":["secrets"],"verbs":["list"]}]`},
		{"priorityClass: {create: false, name: important}", "Deployment appbur", `"priorityClassName":"important"`},
		{"networkPolicy: {monitoring: prometheus}", "NetworkPolicy appbur", `"kubernetes.io/metadata.name":"prometheus"`},
		{"networkPolicy: {egress: [{ports: [{port: 8443}]}]}", "NetworkPolicy appbur", `{"ports":[{"port":8443}]}`},
		{"env: [{name: HTTPS_PROXY, value: proxy}]", "Deployment appbur", `{"name":"HTTPS_PROXY","value":"proxy"}`},
		{"volumes: [{name: ca, configMap: {name: ca}}]", "Deployment appbur", `{"configMap":{"name":"ca"},"name":"ca"}`},
		{"volumeMounts: [{name: ca, mountPath: /ca}]", "Deployment appbur", `{"mountPath":"/ca","name":"ca"}`},
		{"podLabels: {team: a}", "Deployment appbur", `"team":"a"`},
		{"podAnnotations: {team: a}", "Deployment appbur", `"annotations":{"team":"a"}`},
		{"nodeSelector: {disk: ssd}", "Deployment appbur", `"nodeSelector":{"disk":"ssd"}`},
		{"tolerations: [{key: infra, operator: Exists}]", "Deployment appbur", `"tolerations":[{"key":"infra","operator":"Exists"}]`},
		{"keys: {externalSecret: {enabled: true, storeName: safe, key: a/b}}", "ExternalSecret appbur-keys", `"name":"safe"`},
		{"keys: {sealedSecret: {enabled: true, encryptedData: {signing.key: abc}}}", "SealedSecret appbur-keys", `"signing.key":"abc"`},
	} {
		object, there := byName(t, render(t, test.values))[test.object]
		data, err := json.Marshal(object)
		if err != nil || !there || !strings.Contains(string(data), test.has) {
			t.Errorf("%s: the %s is without %s: %v\n%s", test.values, test.object, test.has, err, data)
		}
	}
}

// What Helm prints afterwards names what has to be there, and where the history goes.
func TestNotesSayWhatIsNeeded(t *testing.T) {
	rendered, err := renderValues(loadChart(t), valuesOf(t,
		"{keys: {secretName: other-keys}, configuration: {repository: {remotes: [{name: a, url: \"https://a.example/a.git\"}]}}}"))
	if err != nil {
		t.Fatal(err)
	}
	notes := rendered["appbur/templates/NOTES.txt"]
	for _, says := range []string{
		"Secret other-keys: signing.key", "Secret appbur-git", "a: https://a.example/a.git", "--repo https://a.example/a.git",
	} {
		if !strings.Contains(notes, says) {
			t.Errorf("%q is missing in\n%s", says, notes)
		}
	}
	if _, err := renderValues(loadChart(t), valuesOf(t, "{configuration: {repository: {remotes: []}}}")); err != nil {
		t.Errorf("without a remote: %v", err)
	}
}

// The values of docs/install.md are some that the chart has, and give two replicas that push to that remote.
func TestTheValuesOfTheTaskPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	_, values, found := strings.Cut(string(page), "```yaml\n# values.yaml\n")
	values, _, _ = strings.Cut(values, "```")
	if !found {
		t.Fatal("there are no values on the page")
	}
	objects := byName(t, render(t, values))
	data, err := json.Marshal(objects)
	if err != nil || !strings.Contains(string(data), `"replicas":2`) ||
		!strings.Contains(string(data), `"url":"https://git.internal/platform/mgmt.git"`) {
		t.Errorf("%v\n%s", err, data)
	}
}

// Values that nobody knows, or that the daemon would refuse, are refused before anything is installed.
func TestWrongValuesAreRefused(t *testing.T) {
	for values, says := range map[string]string{
		"replica: 2":                               "replica",
		"replicas: two":                            "replicas",
		"image: {digest: sha256:abc}":              "digest",
		"configuration: {wacth: {quiet: 5s}}":      "wacth",
		"configuration: {watch: {quiet: 5 days}}":  "quiet",
		"keys: {externalSecret: {enabled: maybe}}": "enabled",
		"metrics: {listen: 9420}":                  "listen",
	} {
		if _, err := renderValues(loadChart(t), valuesOf(t, values)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", values, err)
		}
	}
}

func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	loaded, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func valuesOf(t *testing.T, text string) map[string]any {
	t.Helper()
	values, err := loader.LoadValues(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func render(t *testing.T, values string) []map[string]any {
	t.Helper()
	rendered, err := renderValues(loadChart(t), valuesOf(t, values))
	if err != nil {
		t.Fatal(err)
	}
	var objects []map[string]any
	for name, text := range rendered {
		if !strings.HasSuffix(name, ".yaml") {
			continue // for people
		}
		decoder := yaml.NewDecoder(strings.NewReader(text))
		for {
			var object map[string]any
			err := decoder.Decode(&object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, text)
			}
			if object != nil {
				objects = append(objects, object)
			}
		}
	}
	return objects
}

func renderValues(loaded *chart.Chart, values map[string]any) (map[string]string, error) {
	options := common.ReleaseOptions{Name: "appbur", Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(loaded, values, options, nil)
	if err != nil {
		return nil, err
	}
	return engine.Render(loaded, all)
}

// byName has the objects by kind and name, as an API server would read them. Text that is YAML is compared by what it
// says.
func byName(t *testing.T, objects []map[string]any) map[string]any {
	t.Helper()
	all := make(map[string]any)
	for _, object := range objects {
		data, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		var plain map[string]any
		decoder := json.NewDecoder(bytes.NewReader(data))
		if err := decoder.Decode(&plain); err != nil {
			t.Fatal(err)
		}
		metadata, _ := plain["metadata"].(map[string]any)
		name := fmt.Sprintf("%v %v", plain["kind"], metadata["name"])
		if all[name] != nil {
			t.Errorf("%s is there twice", name)
		}
		if texts, has := plain["data"].(map[string]any); has {
			if text, has := texts["appbur.yaml"].(string); has {
				var said any
				if err := yaml.Unmarshal([]byte(text), &said); err != nil {
					t.Fatal(err)
				}
				texts["appbur.yaml"] = said
			}
		}
		all[name] = plain
	}
	return all
}
