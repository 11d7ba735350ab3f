package compat

import (
	"fmt"
	"testing"
)

const (
	pluto  = "https://github.com/FairwindsOps/pluto/issues/"
	kubent = "https://github.com/doitintl/kube-no-trouble/issues/"
)

// TestWhatOtherToolsGotWrong judges the shapes of objects about which users of pluto and kubent reported a false alarm,
// or that something was missed. TestMatrixVerdicts asks real servers about the built-in ones.
func TestWhatOtherToolsGotWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, source string
		object       string
		to           string
		want         VerdictKind
		at           string // the version in which the object is created, if any
	}{
		{
			"what was applied last is no version of the object", pluto + "495, " + kubent + "487", `
apiVersion: batch/v1
kind: CronJob
metadata:
  name: nightly
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"batch/v1beta1","kind":"CronJob","metadata":{"name":"nightly"}}'
spec: {schedule: "0 2 * * *"}`,
			"1.37", Served, "batch/v1",
		},
		{
			"a webhook that was migrated", kubent + "619", `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: identity
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"admissionregistration.k8s.io/v1beta1"}'
webhooks: [{name: a.example.com, sideEffects: None, admissionReviewVersions: [v1], clientConfig: {url: "https://a.example.com"}}]`,
			"1.37", Served, "admissionregistration.k8s.io/v1",
		},
		{
			"a field manager that once wrote an old version", kubent + "309, " + kubent + "287", `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: kubecost
  managedFields: [{manager: Go-http-client, operation: Update, apiVersion: networking.k8s.io/v1beta1, fieldsType: FieldsV1}]
spec: {defaultBackend: {service: {name: kubecost, port: {number: 80}}}}`,
			"1.37", Served, "networking.k8s.io/v1",
		},
		{
			"a revision of a DaemonSet is none", pluto + "432", `
apiVersion: apps/v1
kind: ControllerRevision
metadata:
  name: kube-proxy-1
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"extensions/v1beta1","kind":"DaemonSet"}'
data: {spec: {template: {}}}
revision: 1`,
			"1.37", Served, "apps/v1",
		},
		{
			"a manifest in a ConfigMap is data", kubent + "276", `
apiVersion: v1
kind: ConfigMap
metadata: {name: addons}
data: {psp.yaml: "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\n"}`,
			"1.37", Served, "v1",
		},
		{
			"a custom kind called as a built-in one", pluto + "461", `
apiVersion: networking.example.com/v1beta1
kind: Ingress
metadata: {name: edge}`,
			"1.37", Unknown, "",
		},
		{
			"a custom group that starts as a removed one", pluto + "461", `
apiVersion: extensions.example.com/v1beta1
kind: Deployment
metadata: {name: edge}`,
			"1.37", Unknown, "",
		},
		{
			"deprecated is not removed", pluto + "434", `
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: nightly}
spec: {schedule: "0 2 * * *"}`,
			"1.24", Served, "batch/v1beta1",
		},
		{
			"no advice to use what the target does not have yet", pluto + "452", `
apiVersion: autoscaling/v2beta1
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: web}}`,
			"1.22", Served, "autoscaling/v2beta1",
		},
		{
			"missed: a policy of pods", pluto + "286", `
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: restricted}`,
			"1.25", Blocked, "",
		},
		{
			"missed: a service of the API", pluto + "233", `
apiVersion: apiregistration.k8s.io/v1beta1
kind: APIService
metadata: {name: v1.example.com}
spec: {group: example.com, version: v1, groupPriorityMinimum: 100, versionPriority: 100}`,
			"1.22", Convertible, "apiregistration.k8s.io/v1",
		},
		{
			"missed: flow control in 1.32", pluto + "554", `
apiVersion: flowcontrol.apiserver.k8s.io/v1beta3
kind: FlowSchema
metadata: {name: a}
spec: {priorityLevelConfiguration: {name: workload-low}}`,
			"1.32", Convertible, "flowcontrol.apiserver.k8s.io/v1",
		},
		{
			"missed: an Ingress beside the one of extensions", pluto + "71", `
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata: {name: a}
spec: {backend: {serviceName: a, servicePort: 80}}`,
			"1.22", Convertible, "networking.k8s.io/v1",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := Judge(decodeYAML(t, test.object), TableTarget(kubeVersion(t, test.to)))
			if got.Kind != test.want || got.APIVersion != test.at {
				t.Errorf("%s %q for %s, want %s %q (%s)", got.Kind, got.APIVersion, test.to, test.want, test.at, test.source)
			}
		})
	}
}

// Rights on a removed group are told (https://github.com/FairwindsOps/pluto/issues/104), and those on a group of the
// same beginning are not.
func TestRightsOnRemovedGroupsAreTold(t *testing.T) {
	t.Parallel()
	for group, want := range map[string]bool{"extensions": true, "extensions.example.com": false, "apps": false} {
		role := decodeYAML(t, fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer, namespace: demo}
rules: [{apiGroups: [%q], resources: [deployments], verbs: [get]}]`, group))
		got := Judge(role, TableTarget(kubeVersion(t, "1.37")))
		if got.Kind != Served || (len(got.Notices) > 0) != want {
			t.Errorf("rights on %s: %s with notices %v, want some: %v", group, got.Kind, got.Notices, want)
		}
	}
}
