package exporter

import (
	"net/http"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// TestAbsent checks what proves that a kind is gone, and that nothing else does.
func TestAbsent(t *testing.T) {
	const (
		crds       = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
		registered = "/apis/apiregistration.k8s.io/v1/apiservices"
		none       = `{"kind":"List","metadata":{"resourceVersion":"1"},"items":[]}`
		things     = `{"kind":"List","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"things.example.org"},"spec":{"group":"example.org","names":{"plural":"things","kind":"Thing"},"versions":[{"name":"v1","served":true,"storage":true}]}}]}`
		core       = `{"metadata":{"name":"v1."},"spec":{"version":"v1"}}`
		policy     = `{"metadata":{"name":"v1beta1.policy"},"spec":{"group":"policy","version":"v1beta1"}}`
		remote     = `{"metadata":{"name":"v1.a.b"},"spec":{"group":"a.b","version":"v1","service":{"namespace":"ns","name":"svc"}}}`
	)

	registrations := func(items ...string) string {
		return `{"kind":"List","metadata":{"resourceVersion":"1"},"items":[` + strings.Join(items, ",") + `]}`
	}

	resources := func(kinds ...string) string {
		var list []string
		for _, kind := range kinds {
			list = append(list, `{"name":"x","kind":"`+kind+`"}`)
		}
		return `{"kind":"APIResourceList","resources":[` + strings.Join(list, ",") + `]}`
	}

	thing := schema.GroupVersionKind{Group: "example.org", Version: "v1", Kind: "Thing"}
	psp := schema.GroupVersionKind{Group: "policy", Version: "v1beta1", Kind: "PodSecurityPolicy"}
	pod := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}

	moved := appbur.TypeCoverage{Group: "networking.k8s.io", Kind: "Ingress", Complete: true}
	for _, tt := range []struct {
		name     string
		kind     schema.GroupVersionKind
		answers  map[string]string // "" refuses
		coverage []appbur.TypeCoverage
		gone     bool
		reason   string
	}{
		{"a definition that was deleted", thing, nil, nil, true, "no CustomResourceDefinition defines it"},
		{
			"a definition that is there", thing,
			map[string]string{crds: things},
			nil, false,
			"CustomResourceDefinition things.example.org still defines it",
		},
		{"definitions that may not be read", thing, map[string]string{crds: ""}, nil, false, "CustomResourceDefinitions cannot be listed"},
		{"definitions that are garbled", thing, map[string]string{crds: `{}`}, nil, false, "CustomResourceDefinitions cannot be listed"},
		{"registrations that may not be read", thing, map[string]string{registered: ""}, nil, false, "APIServices cannot be listed"},
		{"registrations that are not complete", thing, map[string]string{registered: none}, nil, false, "v1 is missing"},
		{
			"an aggregated API that is registered",
			schema.GroupVersionKind{Group: "a.b", Version: "v1", Kind: "X"},
			map[string]string{registered: registrations(core, remote)},
			nil, false, "aggregated API server behind Service ns/svc",
		},
		{
			"an aggregated API that is not",
			schema.GroupVersionKind{Group: "a.b", Version: "v1", Kind: "X"},
			nil, nil, true,
			"no aggregated API server is registered",
		},
		{
			"a built-in kind of every release", pod,
			map[string]string{"/api/v1": resources("ConfigMap")},
			nil, false,
			"no release is known that serves it without the kind",
		},
		{
			"a built-in kind that is served", pod,
			map[string]string{"/api/v1": resources("Pod")},
			nil, false,
			"the API server serves it at v1 when requested directly",
		},
		{
			"a built-in kind of an empty group", pod,
			map[string]string{"/api/v1": resources()},
			nil, false,
			"whether the API server serves v1 is not known",
		},
		{
			"a built-in kind whose group cannot be read", pod,
			map[string]string{"/api/v1": ""},
			nil, false,
			"whether the API server serves v1 is not known",
		},
		{
			"a built-in kind that the release removed", psp,
			map[string]string{"/apis/policy/v1beta1": resources("Other"), registered: registrations(core, policy)},
			nil, true,
			"serves no version of it",
		},
		{"a removed kind, and its version, too", psp, nil, nil, true, "serves no version of it"},
		{
			"a removed kind that an older release has", psp,
			map[string]string{
				"/version": `{"gitVersion":"v1.24.17"}`, "/apis/policy/v1beta1": resources("Other"),
				registered: registrations(core, policy),
			},
			nil, false, "Kubernetes 1.24 serves it at policy/v1beta1",
		},
		{
			"a removed kind and a release that is not known", psp,
			map[string]string{"/version": "", "/apis/policy/v1beta1": resources("Other"), registered: registrations(core, policy)},
			nil, false,
			"the release of the API server is not known",
		},
		{
			"a version that is registered and not found", psp,
			map[string]string{"/version": `{"gitVersion":"v1.24.17"}`, registered: registrations(core, policy)},
			nil, false,
			"Kubernetes 1.24 serves it",
		},
		{
			"an alpha kind that was switched off",
			schema.GroupVersionKind{Group: "networking.k8s.io", Version: "v1alpha1", Kind: "ClusterCIDR"},
			nil, nil, true, "serves no version of it",
		},
		{
			"a kind that moved and is read there",
			schema.GroupVersionKind{Group: "extensions", Version: "v1beta1", Kind: "Ingress"},
			map[string]string{crds: ""},
			[]appbur.TypeCoverage{moved},
			true, "saved as Ingress.networking.k8s.io",
		},
		{
			"a kind that moved and is not read there",
			schema.GroupVersionKind{Group: "extensions", Version: "v1beta1", Kind: "Ingress"},
			map[string]string{crds: ""},
			nil, false, "cannot be listed",
		},
		{
			"a kind that the rules leave out",
			schema.GroupVersionKind{Group: "coordination.k8s.io", Version: "v1", Kind: "Lease"},
			map[string]string{crds: ""},
			nil, true, "rule ",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeServer(t)
			f.json(crds, none)
			f.json(registered, registrations(core))
			for path, answer := range tt.answers {
				if answer == "" {
					f.on(path, func(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusForbidden, "Forbidden", "no") })
				} else {
					f.json(path, answer)
				}
			}
			answers, err := f.exporter(Options{}).Absent(t.Context(), []schema.GroupVersionKind{tt.kind}, appbur.Coverage{Types: tt.coverage})
			if err != nil || len(answers) != 1 {
				t.Fatalf("%v, %v", answers, err)
			}
			if got := answers[0]; got.Gone != tt.gone || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("got %+v, want gone %v because %q", got, tt.gone, tt.reason)
			}
		})
	}
}

// TestExcludedKindIsAbsent deletes the files of a kind whose absence cannot be proven: the user
// leaves it out.
func TestExcludedKindIsAbsent(t *testing.T) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte("exclude:\n- kinds: [Thing.example.org]\n  reason: its API server is gone for good\n"),
		&document); err != nil {
		t.Fatal(err)
	}
	policy, err := manifest.ParsePolicy(document.Content[0])
	if err != nil {
		t.Fatal(err)
	}
	e := newFakeServer(t).exporter(Options{})
	if e.rules, err = manifest.Default().With(policy); err != nil {
		t.Fatal(err)
	}

	for name, gone := range map[string]bool{"Thing": true, "Other": false} {
		answers, err := e.Absent(t.Context(), []schema.GroupVersionKind{{Group: "example.org", Version: "v1", Kind: name}}, appbur.Coverage{})
		if err != nil || answers[0].Gone != gone {
			t.Errorf("%s: %+v, %v", name, answers, err)
		}
	}
}
