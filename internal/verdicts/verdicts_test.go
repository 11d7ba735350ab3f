package verdicts_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/findings"
	"github.com/appbur/appbur/internal/verdicts"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
)

const objects = `
{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: pdb, namespace: a}, spec: {selector: {}}}
---
{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: psp}}
---
{apiVersion: flowcontrol.apiserver.k8s.io/v1beta2, kind: FlowSchema, metadata: {name: flow}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: fine, namespace: a}}
---
{apiVersion: example.org/v1, kind: Valve, metadata: {name: bad, namespace: a}, spec: {mode: x}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: valves.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Valve, plural: valves}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {mode: {type: integer}}}}}}
`

func release(minor int) appbur.KubeVersion { return appbur.KubeVersion{Major: 1, Minor: minor} }

// judge judges the objects for releases, added by several goroutines in any order.
func judge(t *testing.T, releases ...appbur.KubeVersion) []verdicts.Judged {
	t.Helper()
	j := verdicts.New(release(24), releases...)
	var group sync.WaitGroup
	for i, document := range strings.Split(objects, "\n---\n") {
		content, err := manifest.Decode([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		id, err := manifest.IDOf(content)
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() { j.Add(verdicts.Object{ID: id, Content: content, File: "a.yaml", Line: i + 1}) })
	}
	group.Wait()
	return j.Finish(nil)
}

func told(list []findings.Finding) (lines []string) {
	for _, f := range list {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s:%d %s", f.Level, f.Rule, f.File, f.Line, strings.Join(f.Versions, ","))))
	}
	slices.Sort(lines)
	return lines
}

// The same verdict is an error where nobody converts, and a note where a restore does.
func TestReport(t *testing.T) {
	for _, test := range []struct {
		origin   verdicts.Origin
		releases []appbur.KubeVersion
		want     string
	}{
		{
			verdicts.Manifests,
			[]appbur.KubeVersion{release(24)},
			"error object-refused a.yaml:5; warning api-deprecated a.yaml:1; warning api-deprecated a.yaml:2",
		},
		{
			verdicts.Manifests,
			[]appbur.KubeVersion{release(28), release(37)},
			"error api-removed a.yaml:1 1.28,1.37; error api-removed a.yaml:3 1.37; error object-blocked a.yaml:2 1.28,1.37; " +
				"error object-refused a.yaml:5 1.28,1.37; warning api-deprecated a.yaml:3",
		},
		{
			verdicts.Point,
			[]appbur.KubeVersion{release(37)},
			"error object-blocked a.yaml:2; error object-refused a.yaml:5; note object-converted a.yaml:1; note object-converted a.yaml:3",
		},
	} {
		got := strings.Join(told(verdicts.Report(test.origin, test.releases, judge(t, test.releases...))), "; ")
		if got != test.want {
			t.Errorf("%s for %v:\n%s, want\n%s", test.origin, test.releases, got, test.want)
		}
	}
}

// Each object is told at the release at which something happens to it, and never again.
func TestPath(t *testing.T) {
	releases := verdicts.Releases(release(24), release(30))
	var got []string
	for _, step := range verdicts.Path(releases, judge(t, releases...)) {
		for _, event := range step.Events {
			got = append(got, fmt.Sprintf("%s %s %s: %s", step.Release.MinorString(), event.Object, event.Verdict.Kind, event.Before))
		}
	}
	want := []string{
		"1.24 Valve.example.org/a/bad refused: ",
		"1.25 PodSecurityPolicy.policy/psp blocked: leave it out and label namespaces with pod-security.kubernetes.io/enforce, or use a policy engine",
		"1.25 PodDisruptionBudget.policy/a/pdb convertible: have it written as policy/v1, which Kubernetes 1.24 serves already",
		"1.29 FlowSchema.flowcontrol.apiserver.k8s.io/flow convertible: nothing: flowcontrol.apiserver.k8s.io/v1 comes with this release; " +
			"have it written so right after the step",
	}
	if len(got) != len(want) {
		t.Fatalf("got\n%s", strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

// What a server says is a finding where the table says something else.
func TestDisagreement(t *testing.T) {
	j := verdicts.Judged{ID: appbur.ObjectID{Kind: "Pod", Name: "p"}, APIVersion: "v1"}
	served, blocked := compat.Verdict{Kind: compat.Served, APIVersion: "v1"}, compat.Verdict{Kind: compat.Blocked}
	converted := compat.Verdict{Kind: compat.Convertible, APIVersion: "v2"}
	unknown := compat.Verdict{Kind: compat.Unknown}

	for _, test := range []struct {
		origin  verdicts.Origin
		verdict compat.Verdict
		answer  verdicts.AnswerKind
		want    string
	}{
		{verdicts.Manifests, served, verdicts.Accepted, ""},
		{verdicts.Manifests, served, verdicts.Rejected, "error server-refuses"},
		{verdicts.Manifests, served, verdicts.Unserved, "error server-refuses"},
		{verdicts.Manifests, served, verdicts.Unasked, ""},
		{verdicts.Manifests, blocked, verdicts.Accepted, "warning server-takes"},
		{verdicts.Manifests, blocked, verdicts.Unserved, ""},
		{verdicts.Manifests, converted, verdicts.Unserved, ""},
		{verdicts.Manifests, converted, verdicts.Accepted, "warning server-takes"},
		{verdicts.Point, converted, verdicts.Accepted, ""},
		{verdicts.Point, converted, verdicts.Rejected, "error server-refuses"},
		{verdicts.Live, unknown, verdicts.Accepted, ""},
		{verdicts.Live, unknown, verdicts.Rejected, "error server-refuses"},
		{verdicts.Live, unknown, verdicts.Unserved, ""},
	} {
		var got []string
		for _, f := range verdicts.Disagreement(test.origin, release(37), j, test.verdict, verdicts.Answer{Kind: test.answer}) {
			got = append(got, string(f.Level)+" "+f.Rule)
		}
		if text := strings.Join(got, "; "); text != test.want {
			t.Errorf("%s, table %s, server %s: %q, want %q", test.origin, test.verdict.Kind, test.answer, text, test.want)
		}
	}
	warns := verdicts.Answer{Kind: verdicts.Accepted, Warnings: []string{"w"}}
	warned := verdicts.Disagreement(verdicts.Manifests, release(37), j, served, warns)
	if len(warned) != 1 || warned[0].Level != findings.Note {
		t.Errorf("%+v", warned)
	}
}

// Every rule that is found is described, and its id says what it is about.
func TestRulesAreDescribed(t *testing.T) {
	for _, rule := range verdicts.Rules {
		area, _, _ := strings.Cut(rule.ID, "-")
		if !slices.Contains([]string{"api", "object", "crd", "client", "helm", "server"}, area) || rule.Title == "" || rule.Why == "" {
			t.Errorf("%+v", rule)
		}
	}
}
