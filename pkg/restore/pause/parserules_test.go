package pause

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRulesOfAUser(t *testing.T) {
	rules, err := ParseRules([]byte(`
pause:
- {kind: Widget.example.com, annotation: example.com/paused, reason: a}
- {kind: Widget.example.com, annotation: example.com/hold, value: "until-later", reason: a}
- {kind: "*.example.com", field: 'spec."a.b".mode', value: off, controller: widgets, stage: 2, await: Ready, reason: a}
- {kind: Deployment.apps, name: "widget-*", namespace: widgets, labels: {app: w}, scaleToZero: true, reason: a, source: "https://x"}
- {kind: CronJob.batch, name: backup, leave: true, reason: it only reads}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Rule{
		{Controller: ownController, Kinds: []string{"Widget.example.com"}, Set: []Setting{annotation("example.com/paused", "true")}, Reason: "a"},
		{
			Controller: ownController, Kinds: []string{"Widget.example.com"}, Set: []Setting{annotation("example.com/hold", "until-later")},
			Reason: "a",
		},
		{
			Controller: "widgets", Kinds: []string{"*.example.com"}, Set: []Setting{field("off", "spec", "a.b", "mode")}, Stage: 2, Await: "Ready",
			Reason: "a",
		},
		{
			Controller: ownController, Kinds: []string{"Deployment.apps"}, Names: "widget-*", Namespaces: "widgets",
			Labels: map[string]string{"app": "w"}, Set: []Setting{field(int64(0), "spec", "replicas")}, Reason: "a", Source: "https://x",
		},
		{Controller: ownController, Kinds: []string{"CronJob.batch"}, Names: "backup", Leave: true, Reason: "it only reads"},
	}
	if !cmp.Equal(rules, want) {
		t.Error(cmp.Diff(want, rules))
	}

	point := pointOf(t, `{apiVersion: batch/v1, kind: CronJob, metadata: {name: backup}, spec: {suspend: false}}`)
	if paused := applied(t, Pauses{Rules: rules}, point, Target{}); paused.Pausing != nil {
		t.Error("what a rule of the user leaves is paused")
	}
}

func TestRulesThatCannotBeUsed(t *testing.T) {
	for _, test := range []struct{ rules, want string }{
		{"", "the file is empty"},
		{"pause: []", "it has no rules"},
		{"rules: []", "there is no setting rules"},
		{"pause: [{reason: a}]", "row 1: kind is missing"},
		{"pause: [{kind: A.b}]", "row 1: reason is missing"},
		{"pause: [{kind: '[', reason: a, leave: true}]", `kind "[" is no pattern`},
		{"pause: [{kind: A.b, reason: a}]", "want exactly one of annotation, field, scaleToZero"},
		{"pause: [{kind: A.b, reason: a, leave: true, field: spec.x}]", "want exactly one of"},
		{"pause: [{kind: A.b, reason: a, leave: true, value: x}]", "value has no meaning"},
		{"pause: [{kind: A.b, reason: a, annotation: x/y, value: true}]", `write it as "true"`},
		{"pause: [{kind: A.b, reason: a, field: spec.x, value: 1.5}]", "value is neither true or false"},
		{"pause: [{kind: A.b, reason: a, field: 'spec.x[]'}]", "lists and patterns cannot be set"},
		{"pause: [{kind: A.b, reason: a, field: spec..x}]", "a key is empty"},
		{"pause: [{kind: A.b, reason: a, field: 'spec.\"x'}]", "a quote does not end"},
		{"pause: [{kind: A.b, reason: a, field: metadata.name}]", "of metadata only annotations"},
		{"pause: [{kind: A.b, reason: a, field: status.x}]", "no field that can pause anything"},
		{"pause: [{kind: A.b, reason: a, annotation: restore.appbur.io/paused}]", "of metadata only annotations"},
		{"pause: [{kind: Secret, reason: a, field: data.x}]", "objects of the kind Secret cannot be paused"},
		{"pause: [{kind: ClusterRole.rbac.authorization.k8s.io, reason: a, field: rules}]", "cannot be paused"},
		{"pause: [{kind: A.b, reason: a, leave: true}, {kind: A.b, reason: a, leave: true, stage: -1}]", "row 2: stage is -1"},
		{"pause: [{kind: A.b}, {reason: a, leave: true}]", "row 1: reason is missing: the plan shows it; row 2: kind is missing"},
	} {
		if _, err := ParseRules([]byte(test.rules)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.rules, err, test.want)
		}
	}
}

// Whatever is in a file of rules, those that are taken pause and release without a trace.
func FuzzParseRules(f *testing.F) {
	f.Add("pause: [{kind: Widget.example.com, annotation: example.com/paused, reason: a}]")
	f.Add("pause: [{kind: '*', field: 'spec.\"a.b\".mode', value: off, reason: a}]")
	f.Add("pause: [{kind: Deployment.apps, scaleToZero: true, reason: a}, {kind: '*', leave: true, reason: b}]")
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := ParseRules([]byte(text))
		if err != nil {
			return
		}
		for _, manifest := range []string{
			`{apiVersion: example.com/v1, kind: Widget, metadata: {name: a, annotations: {x: y}}, spec: {mode: on, replicas: 2}}`,
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}`,
		} {
			o := objectOf(t, manifest)
			for _, r := range rules {
				after, paused, err := r.pause(o, false)
				if err != nil || !paused {
					continue
				}
				m, _, err := markOf(after.Content)
				if err != nil {
					t.Fatalf("the mark cannot be read: %v", err)
				}
				if back := unmarked(after.Content, m); !cmp.Equal(o.Content, back) {
					t.Errorf("%+v:\n%s", r, cmp.Diff(o.Content, back))
				}
			}
		}
	})
}
