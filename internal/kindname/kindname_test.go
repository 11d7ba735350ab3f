package kindname

import (
	"testing"

	"github.com/appbur/appbur"
)

func TestNamesFitTypes(t *testing.T) {
	for _, test := range []struct {
		name, typeName string
		want           bool
	}{
		{"deployment", "deployment.apps", true},
		{"Deployments", "deployment.apps", true},
		{"deploy", "deployment.apps", true},
		{"deployment.apps", "deployment.apps", true},
		{"deployment.apps", "deployment.extensions", false},
		{"ingresses", "ingress.networking.k8s.io", true},
		{"ingress", "ingress.extensions", true},
		{"networkpolicies.networking.k8s.io", "networkpolicy.networking.k8s.io", true},
		{"endpoints", "endpoints", true},
		{"svc", "service", true},
		{"service.serving.knative.dev", "service", false},
		{"clusters.cluster.x-k8s.io", "cluster.cluster.x-k8s.io", true},
		{"s", "", false},
		{"po", "deployment.apps", false},
	} {
		if got := Parse(test.name).FitsType(test.typeName); got != test.want {
			t.Errorf("%q fits %q: %v", test.name, test.typeName, got)
		}
	}
}

func TestNamesOfDefinitionsAreAliases(t *testing.T) {
	machines := appbur.GroupKind{Group: "cluster.x-k8s.io", Kind: "Machine"}
	for _, test := range []struct {
		name string
		want bool
	}{
		{"machine", true},
		{"MACHINES", true},
		{"ma", true},
		{"ma.cluster.x-k8s.io", true},
		{"ma.example.org", false},
		{"pod", false},
	} {
		if got := Parse(test.name).Fits(machines, "machines", "ma"); got != test.want {
			t.Errorf("%q fits %s: %v", test.name, machines, got)
		}
	}
}
