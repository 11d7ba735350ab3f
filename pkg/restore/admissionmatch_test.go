package restore

import (
	"strings"
	"testing"

	admission "k8s.io/api/admissionregistration/v1"

	"github.com/appbur/appbur"
)

// A webhook is called for what its rules and both of its selectors choose.
func TestWebhookMatches(t *testing.T) {
	pod := write{
		object:     appbur.ObjectID{Kind: "Pod", Namespace: "shop", Name: "web"},
		apiVersion: "v1", resource: "pods", operation: admission.Create,
		labels: map[string]string{"app": "web"}, around: map[string]string{"team": "a"},
	}
	status := pod
	status.resource, status.operation = "pods/status", admission.Update
	deployment := pod
	deployment.object.Group, deployment.object.Kind = "apps", "Deployment"
	deployment.apiVersion, deployment.resource = "apps/v1", "deployments"
	gone := pod
	gone.labels, gone.before, gone.operation = nil, pod.labels, admission.Delete
	class := write{
		object: appbur.ObjectID{Group: "storage.k8s.io", Kind: "StorageClass", Name: "fast"}, apiVersion: "storage.k8s.io/v1",
		resource: "storageclasses", operation: admission.Create, labels: map[string]string{},
	}
	namespace := write{
		object: appbur.ObjectID{Kind: "Namespace", Name: "shop"}, apiVersion: "v1", resource: "namespaces", operation: admission.Create,
		labels: map[string]string{"team": "a"},
	}
	policy := write{
		object:     appbur.ObjectID{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration", Name: "x"},
		apiVersion: "admissionregistration.k8s.io/v1", resource: "validatingwebhookconfigurations", operation: admission.Create,
		labels: map[string]string{},
	}

	const everything = "{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*']}"
	pods := func(operations, more string) string {
		return "rules: [{apiGroups: [''], apiVersions: [v1], operations: " + operations + ", resources: [pods]" + more + "}]"
	}
	tests := []struct {
		name, hook string
		write      write
		want       bool
	}{
		{"its rule", pods("[CREATE]", ""), pod, true},
		{"another operation", pods("[UPDATE]", ""), pod, false},
		{"another resource", pods("['*']", ""), deployment, false},
		{"the subresource is another one", pods("['*']", ""), status, false},
		{"all subresources", "rules: [{apiGroups: [''], apiVersions: [v1], operations: ['*'], resources: ['pods/*']}]", status, true},
		{"the scope of namespaces", pods("['*']", ", scope: Namespaced"), pod, true},
		{"the scope of the cluster", pods("['*']", ", scope: Cluster"), pod, false},
		{"another version, and equivalent ones", "rules: [{apiGroups: [apps], apiVersions: [v1beta1], operations: ['*'], resources: ['*']}]", deployment, true},
		{
			"another version, exactly",
			"matchPolicy: Exact\nrules: [{apiGroups: [apps], apiVersions: [v1beta1], operations: ['*'], resources: ['*']}]", deployment, false,
		},
		{"its namespaces", "namespaceSelector: {matchLabels: {team: a}}\nrules: [" + everything + "]", pod, true},
		{"other namespaces", "namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [a]}]}\nrules: [" + everything + "]", pod, false},
		{"a namespace itself", "namespaceSelector: {matchLabels: {team: b}}\nrules: [" + everything + "]", namespace, false},
		{"what is in no namespace", "namespaceSelector: {matchLabels: {team: b}}\nrules: [" + everything + "]", class, true},
		{"other objects", "objectSelector: {matchLabels: {app: db}}\nrules: [" + everything + "]", pod, false},
		{"what is deleted", "objectSelector: {matchLabels: {app: web}}\nrules: [" + everything + "]", gone, true},
		{"what configures webhooks", "rules: [" + everything + "]", policy, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hooks, err := webhooksOf(map[string]any{"webhooks": []any{decode(t, "name: x\n"+tt.hook)}})
			if err != nil {
				t.Fatal(err)
			}
			if got := hooks[0].match.matches(tt.write); got != tt.want {
				t.Errorf("called: %t", got)
			}
			kind := tt.write // what is asked before anything is read of its objects
			kind.labels, kind.before, kind.around, kind.operation = nil, nil, nil, ""
			kind.resource, _, _ = strings.Cut(kind.resource, "/")
			if tt.want && !hooks[0].match.mayMatch(kind) {
				t.Error("it is called, and its kind is not concerned")
			}
		})
	}
}
