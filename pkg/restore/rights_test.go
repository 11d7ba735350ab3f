package restore

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/pkg/manifest"
)

func rulesOf(t *testing.T, rules string) ([]any, []accessRule) {
	t.Helper()
	content, err := manifest.Decode([]byte("rules: " + rules))
	if err != nil {
		t.Fatal(err)
	}
	var read []accessRule
	for _, rule := range list(content, "rules") {
		read = append(read, readRule(rule, "nonResourceURLs"))
	}
	return list(content, "rules"), read
}

// What a role gives and its maker does not have, as the API server decides it.
func TestRightsThatAreLacking(t *testing.T) {
	for _, tt := range []struct{ name, held, given, lacking string }{
		{"the same", `[{apiGroups: [""], resources: [pods], verbs: [get]}]`, `[{apiGroups: [""], resources: [pods], verbs: [get]}]`, ""},
		{"all", `[{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]`, `[{apiGroups: [apps], resources: [deployments/scale], verbs: [patch]}]`, ""},
		{
			"by two rules", `[{apiGroups: [""], resources: [pods], verbs: [get]}, {apiGroups: [""], resources: [pods], verbs: [list]}]`,
			`[{apiGroups: [""], resources: [pods], verbs: [get, list]}]`, "",
		},
		{
			"all of many is more", `[{apiGroups: ["", apps], resources: [pods], verbs: [get]}]`,
			`[{apiGroups: ["*"], resources: [pods], verbs: ["*"]}]`, "* pods.*",
		},
		{
			"one name is less", `[{apiGroups: [""], resources: [pods], resourceNames: [a], verbs: [get]}]`,
			`[{apiGroups: [""], resources: [pods], verbs: [get]}]`, "get pods",
		},
		{
			"of names", `[{apiGroups: [""], resources: [pods], resourceNames: [a, b], verbs: [get]}]`,
			`[{apiGroups: [""], resources: [pods], resourceNames: [b], verbs: [get]}]`, "",
		},
		{
			"a subresource of all", `[{apiGroups: [""], resources: ["*/status"], verbs: [patch]}]`,
			`[{apiGroups: [""], resources: [pods/status, pods], verbs: [patch]}]`, "patch pods",
		},
		{"paths", `[{nonResourceURLs: ["/healthz/*"], verbs: [get]}]`, `[{nonResourceURLs: [/healthz/x, /metrics], verbs: [get]}]`, "get /metrics"},
		{"nothing", `[]`, `[{apiGroups: [apps], resources: [deployments], verbs: [get, list]}]`, "get deployments.apps, list deployments.apps"},
		{"hostile", `[5, {verbs: 3, resources: {}}]`, `[{apiGroups: [7], resources: [pods], verbs: [get]}, null]`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, held := rulesOf(t, tt.held)
			given, _ := rulesOf(t, tt.given)
			if got := strings.Join(lacking(held, given), ", "); got != tt.lacking {
				t.Errorf("got %q, want %q", got, tt.lacking)
			}
		})
	}
}

func TestMissingRightsAsRoles(t *testing.T) {
	rights := []Right{
		{Verb: "create", Resource: "secrets", Namespace: "a"},
		{Verb: "patch", Resource: "secrets", Namespace: "a"},
		{Verb: "patch", Resource: "configmaps", Namespace: "a"},
		{Verb: "create", Resource: "configmaps", Namespace: "a"},
		{Verb: "patch", Group: "x.io", Resource: "things/status", Namespace: "a"},
	}
	var documents []string
	for _, object := range roleFor("a", rights, "system:serviceaccount:ci:restorer") {
		data, err := manifest.Encode(object)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, string(data))
	}

	want := `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: appbur-restore
  namespace: a
rules:
- apiGroups:
  - ""
  resources:
  - configmaps
  - secrets
  verbs:
  - create
  - patch
- apiGroups:
  - x.io
  resources:
  - things/status
  verbs:
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: appbur-restore
  namespace: a
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: appbur-restore
subjects:
- kind: ServiceAccount
  name: restorer
  namespace: ci
`
	if diff := cmp.Diff(want, strings.Join(documents, "---\n")); diff != "" {
		t.Error(diff)
	}
}

// A target that cannot be asked is no reason to refuse.
func TestRightsThatNobodySaysAreNotMissing(t *testing.T) {
	rights, err := ReviewRights(t.Context(), fleetPlan(t), newFaultyCluster())
	if err != nil || rights.Unknown == "" || rights.Err() != nil {
		t.Errorf("%+v (%v)", rights, err)
	}
}
