package pause_test

import (
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
	"github.com/appbur/appbur/pkg/restore/pause"
)

func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	content := make(map[string]any)
	if err := yaml.Unmarshal([]byte(text), &content); err != nil {
		t.Fatal(err)
	}
	return content
}

const suspendable = `{kind: CustomResourceDefinition, spec: {group: source.toolkit.fluxcd.io, names: {kind: GitRepository}, versions: [
  {name: v1, schema: {openAPIV3Schema: {properties: {spec: {properties: {suspend: {type: boolean}}}}}}},
  {name: v1old, schema: {openAPIV3Schema: {properties: {spec: {properties: {url: {type: string}}}}}}}]}}`

func TestWhichLivingObjectsArePaused(t *testing.T) {
	const name = "gitrepositories.source.toolkit.fluxcd.io"
	living := pause.Pauses{}.Living([]restore.Object{{
		ID:         appbur.ObjectID{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: name},
		APIVersion: "apiextensions.k8s.io/v1", Content: decoded(t, suspendable),
	}})

	for _, c := range []struct {
		name, group, kind, live string
		becomes                 string // "" if it is left
	}{
		{"a schedule", "batch", "CronJob", `{apiVersion: batch/v1, kind: CronJob, spec: {suspend: false}}`, "spec.suspend becomes true"},
		{"one that is paused by its user", "batch", "CronJob", `{apiVersion: batch/v1, kind: CronJob, spec: {suspend: true}}`, ""},
		{
			"one that a restore has paused", "batch", "CronJob",
			`{apiVersion: batch/v1, kind: CronJob, metadata: {labels: {restore.appbur.io/paused: "true"}}, spec: {suspend: false}}`, "",
		},
		{"a Job", "batch", "Job", `{apiVersion: batch/v1, kind: Job, spec: {}}`, "spec.suspend becomes true"},
		{
			"a Job of a schedule", "batch", "Job",
			`{apiVersion: batch/v1, kind: Job, metadata: {ownerReferences: [{kind: CronJob, name: a, controller: true}]}, spec: {}}`, "",
		},
		{
			"a Job that is over", "batch", "Job",
			`{apiVersion: batch/v1, kind: Job, spec: {}, status: {conditions: [{type: Complete, status: "True"}]}}`, "",
		},
		{
			"a Job that may still fail", "batch", "Job",
			`{apiVersion: batch/v1, kind: Job, spec: {}, status: {conditions: [{type: Failed, status: "False"}]}}`, "spec.suspend becomes true",
		},
		{
			"one that is being deleted", "batch", "CronJob",
			`{apiVersion: batch/v1, kind: CronJob, metadata: {deletionTimestamp: "2026-11-30T00:00:00Z"}, spec: {}}`, "",
		},
		{
			"a custom resource with an owner", "source.toolkit.fluxcd.io", "GitRepository",
			`{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {ownerReferences: [{kind: X, name: a, controller: true}]}, spec: {}}`,
			"spec.suspend becomes true",
		},
		{
			"an old version without the field", "source.toolkit.fluxcd.io", "GitRepository",
			`{apiVersion: source.toolkit.fluxcd.io/v1old, kind: GitRepository, spec: {}}`, "problem",
		},
		{"what nobody acts on", "", "ConfigMap", `{apiVersion: v1, kind: ConfigMap, data: {}}`, ""},
		{"what gives rights", "rbac.authorization.k8s.io", "Role", `{apiVersion: rbac.authorization.k8s.io/v1, kind: Role}`, ""},
	} {
		id := appbur.ObjectID{Group: c.group, Kind: c.kind, Namespace: "team", Name: "a"}
		hold, acts := living.HoldOf(id, decoded(t, c.live))
		becomes := ""
		switch {
		case hold.Problem != "":
			becomes = "problem"
		case acts:
			becomes = hold.Changes[0].String()
		}
		if becomes != c.becomes || acts != (c.becomes != "") {
			t.Errorf("%s: %q, want %q", c.name, becomes, c.becomes)
		}
		if acts && (hold.Reason == "" || !living.Concerns(id.GroupKind())) {
			t.Errorf("%s: without a reason, or its kind would not have been listed: %+v", c.name, hold)
		}
	}
}

// Who acts on others is paused first, and released last.
func TestPausesGoTheOtherWayRoundThanReleases(t *testing.T) {
	holds := []pause.Hold{
		{Controller: "flux", Stage: 1, Object: appbur.ObjectID{Kind: "GitRepository"}},
		{Controller: "cluster-api", Stage: 5, Object: appbur.ObjectID{Kind: "Cluster"}},
		{Controller: "flux", Stage: 2, Object: appbur.ObjectID{Kind: "Kustomization"}},
		{Controller: "cluster-api", Stage: 1, Object: appbur.ObjectID{Kind: "Machine"}},
	}
	pause.SortHolds(holds)
	for i, want := range []string{"Cluster", "Machine", "Kustomization", "GitRepository"} {
		if holds[i].Object.Kind != want {
			t.Errorf("%d: %s, want %s", i, holds[i].Object.Kind, want)
		}
	}
}
