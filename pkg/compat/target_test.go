package compat

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	want := []string{"v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "2021-01-01", "foo10", "v0", "v1beta"}
	got := slices.Clone(want)
	slices.Sort(got)
	slices.SortFunc(got, func(a, b string) int { return CompareVersions(b, a) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestTableTarget(t *testing.T) {
	t.Parallel()
	tests := []struct {
		release, group, version, kind string
		want                          Answer
	}{
		{"1.24", "policy", "v1beta1", "PodSecurityPolicy", Yes},
		{"1.25", "policy", "v1beta1", "PodSecurityPolicy", No},
		{"1.21", "extensions", "v1beta1", "Ingress", Yes},
		{"1.22", "extensions", "v1beta1", "Ingress", No},
		{"1.18", "networking.k8s.io", "v1", "Ingress", No},
		{"1.19", "networking.k8s.io", "v1", "Ingress", Yes},
		{"1.30", "flowcontrol.apiserver.k8s.io", "v1beta3", "FlowSchema", Yes},
		{"1.33", "resource.k8s.io", "v1beta1", "ResourceClaim", Unsure},
		{"1.30", "admissionregistration.k8s.io", "v1alpha1", "ValidatingAdmissionPolicy", Unsure},
		{"1.37", "apps", "v9", "Deployment", No},
		{"1.37", "example.com", "v1", "Widget", Unsure},
		{"1.37", "", "v1", "Pod", Yes},
	}

	for _, test := range tests {
		target := TableTarget(kubeVersion(t, test.release))
		if got := target.Serves(test.group, test.version, test.kind); got != test.want {
			t.Errorf("%s: Serves(%s, %s, %s) = %s, want %s", test.release, test.group, test.version, test.kind, got, test.want)
		}
	}

	if got := TableTarget(kubeVersion(t, "1.23")).Versions("autoscaling", "HorizontalPodAutoscaler"); !slices.Equal(got,
		[]string{"v2", "v1", "v2beta2", "v2beta1"}) {
		t.Errorf("versions of the autoscaler in 1.23: %v", got)
	}
}

func TestLayeredTargets(t *testing.T) {
	t.Parallel()
	widget := appbur.GroupKind{Group: "example.com", Kind: "Widget"}

	crd := decodeYAML(t, `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  group: example.com
  names: {kind: Widget}
  versions:
  - {name: v1beta1, served: true}
  - {name: v1, served: true}
  - {name: v2, served: false}
`)

	empty := NewDiscoveryTarget(kubeVersion(t, "1.37"), nil)
	if got := empty.Serves("example.com", "v1", "Widget"); got != No {
		t.Errorf("a discovery that shows nothing says %s", got)
	}
	layered := WithSource(WithCRDs(empty, []map[string]any{crd, nil, {"kind": "x"}}), kubeVersion(t, "1.24"))
	if got := layered.Versions(widget.Group, widget.Kind); !slices.Equal(got, []string{"v1", "v1beta1"}) {
		t.Errorf("versions by the definition: %v", got)
	}
	if layered.Serves("example.com", "v1", "Widget") != Yes || layered.Serves("example.com", "v2", "Widget") != No {
		t.Error("served versions are not those of the definition")
	}
	if renamesVersions(layered, widget) != Yes || sourceOf(layered).Minor != 24 {
		t.Error("knowledge is lost in layers")
	}

	// What the target itself serves wins.
	own := WithCRDs(NewDiscoveryTarget(kubeVersion(t, "1.37"), map[appbur.GroupKind][]string{widget: {"v3"}}), []map[string]any{crd})
	if own.Serves("example.com", "v1", "Widget") != No || own.Serves("example.com", "v3", "Widget") != Yes {
		t.Error("the definition of the point overrules the target")
	}
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	life, ok := Lifecycle(GroupVersionKind{"networking.k8s.io", "v1beta1", "IngressClass"})
	if !ok || life.Removed.MinorString() != "1.22" || life.Replacement != (GroupVersionKind{"networking.k8s.io", "v1", "IngressClass"}) {
		t.Errorf("IngressClass: %+v, %v", life, ok)
	}
	if _, ok := Lifecycle(GroupVersionKind{"example.com", "v1", "Widget"}); ok {
		t.Error("a custom resource has a lifecycle")
	}
}

func TestGVKOf(t *testing.T) {
	t.Parallel()
	for apiVersion, want := range map[string]GroupVersionKind{
		"v1": {"", "v1", "K"}, "apps/v1": {"apps", "v1", "K"},
	} {
		if got, ok := GVKOf(map[string]any{"apiVersion": apiVersion, "kind": "K"}); !ok || got != want || got.APIVersion() != apiVersion {
			t.Errorf("%q: %v, %v", apiVersion, got, ok)
		}
	}
	for _, bad := range []any{"", "/v1", "apps/", "a/b/c", 7, nil} {
		if got, ok := GVKOf(map[string]any{"apiVersion": bad, "kind": "K"}); ok {
			t.Errorf("%v is taken as %v", bad, got)
		}
	}
}

// The table ends with the release whose API types it was generated from.
func TestTableEnd(t *testing.T) {
	data, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\s*k8s\.io/api v0\.(\d+)\.`).FindSubmatch(data)
	if found == nil {
		t.Fatal("go.mod names no k8s.io/api")
	}
	if got, want := TableEnd().MinorString(), "1."+string(found[1]); got != want {
		t.Errorf("the table ends with %s, k8s.io/api is that of %s", got, want)
	}
}
