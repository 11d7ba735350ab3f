//go:build integration

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/appbur/appbur/internal/testcluster"
)

// judgedManifests are of every kind of answer. The Deployment is served, and no server takes it.
const judgedManifests = `apiVersion: v1
kind: Namespace
metadata: {name: judged}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: fine, namespace: judged}
---
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: old, namespace: judged}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: broken, namespace: judged}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: c}}, spec: {containers: [{name: a, image: a}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: pod, namespace: judged}
spec: {serviceAccountName: runner, containers: [{name: a, image: a}]}
---
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: psp}
spec: {seLinux: {rule: RunAsAny}, runAsUser: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}, fsGroup: {rule: RunAsAny}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: valves.judged.example.org}
spec:
  group: judged.example.org
  scope: Namespaced
  names: {kind: Valve, plural: valves, singular: valve, listKind: ValveList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {bar: {type: integer, maximum: 9}}}}}}
---
apiVersion: judged.example.org/v1
kind: Valve
metadata: {name: good, namespace: judged}
spec: {bar: 1}
---
apiVersion: judged.example.org/v1
kind: Valve
metadata: {name: bad, namespace: judged}
spec: {bar: 10}
`

// Real servers are asked about manifests, and store nothing; a running cluster is judged as a backup reads it.
func TestCompatAsksRealServers(t *testing.T) {
	s := newStory(t)
	cluster := testcluster.New(t, "1.24.17")
	manifests := filepath.Join(t.TempDir(), "judged.yaml")
	writeFile(t, manifests, judgedManifests)

	t.Run("a cluster that exists", func(t *testing.T) {
		answer := s.compat(t, ExitIncompatible, manifests, "--against", cluster.Kubeconfig)
		answer.want(t, map[string]string{
			"Namespace/judged": "", "ConfigMap/judged/fine": "", "Ingress.extensions/judged/old": "not served",
			"Deployment.apps/judged/broken": "refused", "PodSecurityPolicy.policy/psp": "taken", "Valve.judged.example.org/judged/good": "not asked",
		})
		if !slices.Contains(answer.rules(), "server-refuses Deployment.apps/judged/broken") ||
			!slices.ContainsFunc(answer.rules(), func(r string) bool { return strings.HasPrefix(r, "server-warns PodSecurityPolicy.policy/psp") }) {
			t.Errorf("findings: %q", answer.rules())
		}
		if slices.ContainsFunc(answer.rules(), func(r string) bool { return strings.HasPrefix(r, "server-refuses Valve") }) {
			t.Errorf("the server was blamed for a definition that is among the manifests: %q", answer.rules())
		}
		client, err := dynamic.NewForConfig(cluster.RESTConfig())
		if err != nil {
			t.Fatal(err)
		}
		namespaces := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
		if _, err := namespaces.Get(t.Context(), "judged", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("the dry run stored something: %v", err)
		}
	})

	t.Run("throwaway servers", func(t *testing.T) {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		answer := s.compat(t, ExitIncompatible, manifests, "--to", "1.37", "--with-server", "--server-binaries",
			filepath.Join(cache, "appbur", "kube"))
		answer.want(t, map[string]string{
			"Namespace/judged": "", "ConfigMap/judged/fine": "", "Ingress.extensions/judged/old": "not served", "Pod/judged/pod": "",
			"Deployment.apps/judged/broken": "refused", "PodSecurityPolicy.policy/psp": "not served",
			"Valve.judged.example.org/judged/good": "", "Valve.judged.example.org/judged/bad": "refused",
		})
		want := []string{"server-refuses Deployment.apps/judged/broken"}
		if got := slices.DeleteFunc(answer.rules(), func(r string) bool { return !strings.HasPrefix(r, "server-") }); !slices.Equal(got, want) {
			t.Errorf("disagreements %q, want %q", got, want)
		}
	})

	t.Run("a running cluster", func(t *testing.T) {
		client, err := dynamic.NewForConfig(cluster.RESTConfig())
		if err != nil {
			t.Fatal(err)
		}
		policies := client.Resource(schema.GroupVersionResource{Group: "policy", Version: "v1beta1", Resource: "podsecuritypolicies"})
		rule := map[string]any{"rule": "RunAsAny"}
		policy := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy", "metadata": map[string]any{"name": "live"},
			"spec": map[string]any{"seLinux": rule, "runAsUser": rule, "supplementalGroups": rule, "fsGroup": rule},
		}}
		if _, err := policies.Create(t.Context(), policy, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}

		answer := s.compat(t, ExitIncompatible, "--live", "--kubeconfig", cluster.Kubeconfig, "--to", "1.37")
		blocked := slices.Contains(answer.rules(), "object-blocked PodSecurityPolicy.policy/live")
		if answer.Source != "cluster" || answer.From != "1.24.17" || !blocked {
			t.Errorf("%+v", answer)
		}
		s.compat(t, ExitDone, "--live", "--exclude-kind", "podsecuritypolicies", "--kubeconfig", cluster.Kubeconfig, "--to", "1.37")
	})
}

// compatAnswer is what the test reads of the document.
type compatAnswer struct {
	Source  string `json:"source"`
	From    string `json:"fromVersion"`
	Objects []struct {
		Object string `json:"object"`
		Server struct {
			Kind string `json:"kind"`
			Said string `json:"said"`
		} `json:"server"`
	} `json:"objects"`
	Findings []struct {
		Rule    string `json:"rule"`
		Subject string `json:"subject"`
	} `json:"findings"`
}

func (s *story) compat(t *testing.T, want int, args ...string) (answer compatAnswer) {
	t.Helper()
	code, out, errs := runCLI(t.Context(), append([]string{"compat", "cluster", "--json"}, args...)...)
	if code != want {
		t.Fatalf("exit code %d, want %d\n%s%s", code, want, out, errs)
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// want checks what the server said of objects; nothing is listed of those that it simply takes.
func (a compatAnswer) want(t *testing.T, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for _, o := range a.Objects {
		got[o.Object] = o.Server.Kind
		if o.Server.Kind == "not asked" && !strings.Contains(o.Server.Said, "definitions") {
			t.Errorf("%s was not asked about: %s", o.Object, o.Server.Said)
		}
	}
	for object, kind := range want {
		if got[object] != kind {
			t.Errorf("%s: the server said %q, want %q", object, got[object], kind)
		}
	}
}

func (a compatAnswer) rules() (rules []string) {
	for _, f := range a.Findings {
		rules = append(rules, f.Rule+" "+f.Subject)
	}
	return rules
}
