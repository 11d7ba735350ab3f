package pause

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

// pointOf makes a restore point of manifests in one YAML file.
func pointOf(t testing.TB, manifests string) restore.Point {
	t.Helper()
	p := restore.Point{Index: map[appbur.ObjectID]manifest.Entry{}}
	for _, text := range strings.Split(strings.TrimSpace(manifests), "\n---\n") {
		o := objectOf(t, text)
		p.Objects.Add(o)
	}
	return p
}

func objectOf(t testing.TB, text string) restore.Object {
	t.Helper()
	content, err := manifest.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	id, err := manifest.IDOf(content)
	if err != nil {
		t.Fatal(err)
	}
	apiVersion, _ := content["apiVersion"].(string)
	return restore.Object{ID: id, APIVersion: apiVersion, Content: content}
}

func definitions(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/definitions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func applied(t testing.TB, p Pauses, point restore.Point, target Target) restore.Point {
	t.Helper()
	if p.Activate == "" {
		p.Activate = restore.ActivateLater
	}
	paused, err := p.Apply(point, target)
	if err != nil {
		t.Fatal(err)
	}
	return paused
}

// said is how an object was changed, as the plan shows it.
func said(o restore.Object) string {
	var b strings.Builder
	for _, c := range o.Rewritten {
		fmt.Fprintf(&b, "%s %s\n", c.Path, strings.SplitN(c.What, ":", 2)[0])
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Each object with what pauses it; "" for those that are left alone.
var pausing = []struct{ object, want string }{
	{`{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {suspend: false}}`, "spec.suspend is true until it is activated"},
	{`{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {suspend: true}}`, ""},
	{`{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {}}`, "spec.suspend is true until it is activated"},
	{
		`{apiVersion: cluster.x-k8s.io/v1beta1, kind: Cluster, metadata: {name: a}, spec: {paused: false}}`,
		"spec.paused is true until it is activated",
	},
	{`{apiVersion: cluster.x-k8s.io/v1beta1, kind: Cluster, metadata: {name: a}, spec: {paused: true}}`, ""},
	{
		`{apiVersion: cluster.x-k8s.io/v1beta1, kind: Machine, metadata: {name: a}}`,
		`metadata.annotations["cluster.x-k8s.io/paused"] is true until it is activated`,
	},
	{
		`{apiVersion: infrastructure.cluster.x-k8s.io/v1, kind: AWSCluster, metadata: {name: a}}`,
		`metadata.annotations["cluster.x-k8s.io/paused"] is true until it is activated`,
	},
	{`{apiVersion: infrastructure.cluster.x-k8s.io/v1, kind: AWSMachineTemplate, metadata: {name: a}}`, ""},
	{
		`{apiVersion: s3.aws.example.org/v1beta1, kind: Bucket, metadata: {name: a}}`,
		`metadata.annotations["crossplane.io/paused"] is true until it is activated`,
	},
	{
		`{apiVersion: other.example.org/v1, kind: Thing, metadata: {name: a}, spec: {forProvider: {a: b}}}`,
		`metadata.annotations["crossplane.io/paused"] is true until it is activated`,
	},
	{
		`{apiVersion: db.example.org/v1, kind: XDatabase, metadata: {name: a}}`,
		`metadata.annotations["crossplane.io/paused"] is true until it is activated`,
	},
	{
		`{apiVersion: db.example.org/v1, kind: Database, metadata: {name: a}}`,
		`metadata.annotations["crossplane.io/paused"] is true until it is activated`,
	},
	{`{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: a}}`, "spec.suspend is true until it is activated"},
	{`{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: a}}`, "spec.suspend is true until it is activated"},
	{
		`{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}, operation: {sync: {}}, spec: {syncPolicy: {automated: {}}}}`,
		`metadata.annotations["argocd.argoproj.io/skip-reconcile"] is true until it is activated
spec.syncPolicy.automated is left out until it is activated
operation is left out until it is activated`,
	},
	{
		`{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}, spec: {}}`,
		`metadata.annotations["argocd.argoproj.io/skip-reconcile"] is true until it is activated`,
	},
	{
		`{apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, metadata: {name: a}, spec: {}}`,
		"spec.syncPolicy.applicationsSync is create-only until it is activated",
	},
	{
		`{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 2},
			metadata: {name: a, labels: {app.kubernetes.io/name: argocd-applicationset-controller}}}`,
		"spec.replicas is 0 until it is activated",
	},
	{`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2}}`, ""},
	{
		`{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: a}}`,
		`metadata.annotations["autoscaling.keda.sh/paused"] is true until it is activated`,
	},
	{
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, labels: {app.kubernetes.io/name: external-secrets}}, spec: {replicas: 1}}`,
		"spec.replicas is 0 until it is activated",
	},
	{`{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: a}}`, ""},
	{`{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`, ""},
}

const compositeDefinition = `
---
{apiVersion: apiextensions.crossplane.io/v1, kind: CompositeResourceDefinition, metadata: {name: x},
  spec: {group: db.example.org, names: {kind: XDatabase}, claimNames: {kind: Database}}}`

func TestEachControllerIsPausedInItsOwnWay(t *testing.T) {
	around := definitions(t) + compositeDefinition
	for _, test := range pausing {
		point := pointOf(t, around+"\n---\n"+test.object)
		before := point.Objects.At(point.Objects.Len() - 1)
		paused := applied(t, Pauses{}, point, Target{})
		after := paused.Objects.At(paused.Objects.Len() - 1)
		if got := said(after); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.object, got, test.want)
			continue
		}
		if test.want == "" {
			if paused.Pausing != nil || !cmp.Equal(before, after) {
				t.Errorf("%s: it was changed: %v", test.object, after.Content)
			}
			continue
		}

		m, marked, err := markOf(after.Content)
		if !marked || err != nil {
			t.Errorf("%s: no mark: %v", test.object, err)
			continue
		}
		if back := unmarked(after.Content, m); !cmp.Equal(before.Content, back) {
			t.Errorf("%s: released it is another:\n%s", test.object, cmp.Diff(before.Content, back))
		}
		text, _ := lookup(after.Content, []string{"metadata", "annotations", restore.PausedKey}).(string)
		again := applied(t, Pauses{}, point, Target{Waiting: map[appbur.ObjectID]string{after.ID: text}})
		if second := again.Objects.At(again.Objects.Len() - 1); !cmp.Equal(after.Content, second.Content) {
			t.Errorf("%s: a second restore pauses it otherwise:\n%s", test.object, cmp.Diff(after.Content, second.Content))
		}
	}
}

func TestEveryRuleHasAReasonAndASource(t *testing.T) {
	for _, r := range Rules() {
		if r.Reason == "" || !strings.HasPrefix(r.Source, "https://") || r.Controller == "" || len(r.Set) == 0 || r.Stage == 0 {
			t.Errorf("%s %s lacks something: %+v", r.Controller, r.Kinds, r)
		}
		for _, s := range r.Set {
			if err := checkPath(s.Path); err != nil {
				t.Errorf("%s %s: %v", r.Controller, r.Kinds, err)
			}
		}
	}
}

// A field that the definition in the point lacks cannot be set: an apply with it would be refused.
func TestFieldsThatAnOldDefinitionLacks(t *testing.T) {
	old := `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: x},
  spec: {group: GROUP, names: {kind: KIND},
  versions: [{name: v1, schema: {openAPIV3Schema: {properties: {spec: {properties: {a: {type: string}}}}}}}]}}
---
{apiVersion: GROUP/v1, kind: KIND, metadata: {name: a}, spec: {}}`
	with := func(group, kind string) restore.Point {
		return applied(t, Pauses{}, pointOf(t, strings.NewReplacer("GROUP", group, "KIND", kind).Replace(old)), Target{})
	}

	cluster := with("cluster.x-k8s.io", "Cluster")
	if got := said(cluster.Objects.At(1)); got != `metadata.annotations["cluster.x-k8s.io/paused"] is true until it is activated` {
		t.Errorf("a Cluster without spec.paused: %s", got)
	}
	set := with("argoproj.io", "ApplicationSet")
	if got := said(set.Objects.At(1)); got != "" || len(set.Notes) != 1 || !strings.Contains(set.Notes[0].What, "has no field for it") {
		t.Errorf("an ApplicationSet without applicationsSync: %q, %v", got, set.Notes)
	}
}

const cronJobs = `
{apiVersion: batch/v1, kind: CronJob, metadata: {name: absent}, spec: {suspend: false}}
---
{apiVersion: batch/v1, kind: CronJob, metadata: {name: runs}, spec: {suspend: false}}
---
{apiVersion: batch/v1, kind: CronJob, metadata: {name: waits}, spec: {suspend: false}}
---
{apiVersion: batch/v1, kind: CronJob, metadata: {name: stopped}, spec: {suspend: true}}`

// What runs in the target is left running, unless the user says otherwise; what waits there waits on.
func TestWhatTheTargetHasDecides(t *testing.T) {
	point := pointOf(t, cronJobs)
	target := Target{
		Running: map[appbur.ObjectID]bool{point.Objects.At(1).ID: true, point.Objects.At(2).ID: true},
		Waiting: map[appbur.ObjectID]string{point.Objects.At(2).ID: "damaged"},
	}
	names := func(p restore.Point) (names []string) {
		for _, id := range p.Pausing.Objects() {
			names = append(names, id.Name)
		}
		return names
	}

	usual := applied(t, Pauses{}, point, target)
	if got := names(usual); !cmp.Equal(got, []string{"absent", "waits"}) {
		t.Errorf("paused are %v", got)
	}
	if len(usual.Notes) != 1 || !strings.Contains(usual.Notes[0].What, "CronJob.batch/runs") {
		t.Errorf("the plan does not say what runs: %v", usual.Notes)
	}
	all := applied(t, Pauses{Running: true}, point, target)
	if got := names(all); !cmp.Equal(got, []string{"absent", "runs", "waits"}) {
		t.Errorf("with those that run: %v", got)
	}

	// What somebody has resumed keeps its mark, for a release to remove, and is not paused again.
	live := usual.Objects.At(0).Content
	text, _ := lookup(live, []string{"metadata", "annotations", restore.PausedKey}).(string)
	live = put(live, []string{"spec", "suspend"}, false)
	if r, ok := ReleaseOf(point.Objects.At(0).ID, live); !ok || !r.Resumed || len(r.Changes) > 0 {
		t.Errorf("it does not count as resumed: %+v", r)
	}
	resumed := applied(t, Pauses{}, point, Target{Resumed: map[appbur.ObjectID]string{point.Objects.At(0).ID: text}})
	if got := resumed.Objects.At(0).Content; !cmp.Equal(got, live) || len(resumed.Objects.At(0).Rewritten) > 0 {
		t.Error(cmp.Diff(live, got))
	}

	// What was saved while it was paused is as it was before.
	saved := applied(t, Pauses{}, usual, Target{})
	if !cmp.Equal(saved.Objects.At(0).Content, usual.Objects.At(0).Content) {
		t.Error(cmp.Diff(saved.Objects.At(0).Content, usual.Objects.At(0).Content))
	}
	running := applied(t, Pauses{}, usual, Target{Running: map[appbur.ObjectID]bool{point.Objects.At(0).ID: true}})
	if !cmp.Equal(running.Objects.At(0).Content, point.Objects.At(0).Content) {
		t.Error(cmp.Diff(running.Objects.At(0).Content, point.Objects.At(0).Content))
	}
}

// What is secret never becomes an annotation, which every backup saves in clear.
func TestSecretsAreNotRemembered(t *testing.T) {
	everything, err := ParseRules([]byte(`pause: [{kind: "*", field: spec.login.key, value: x, reason: a}]`))
	if err != nil {
		t.Fatal(err)
	}
	point := pointOf(t, `{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {key: aHVzaA==}, spec: {login: {key: x}}}`)
	if paused := applied(t, Pauses{Rules: everything}, point, Target{}); paused.Pausing != nil {
		t.Errorf("a Secret is paused: %v", paused.Objects.At(0).Content)
	}

	for _, secret := range [][]string{{"spec"}, {"spec", "login", "key"}, {"spec", "login", "key", "deeper"}} {
		point = pointOf(t, `{apiVersion: example.org/v1, kind: Thing, metadata: {name: a}, spec: {login: {key: hush}}}`)
		object := point.Objects.At(0)
		object.Secrets = [][]string{secret}
		point.Objects.Set(0, object)
		paused := applied(t, Pauses{Rules: everything}, point, Target{})
		if paused.Pausing != nil || len(paused.Notes) != 1 || strings.Contains(paused.Notes[0].What, "hush") {
			t.Errorf("with the secret %v: %v, %v", secret, paused.Objects.At(0).Content, paused.Notes)
		}
	}
	forged := `{"controller":"x","stage":1,"fields":[{"path":["spec","login","key"],"paused":"x"}]}`
	waiting := applied(t, Pauses{}, point, Target{Waiting: map[appbur.ObjectID]string{point.Objects.At(0).ID: forged}})
	if waiting.Pausing != nil {
		t.Errorf("with a forged mark in the target: %v", waiting.Objects.At(0).Content)
	}
	object := point.Objects.At(0)
	object.Secrets = [][]string{{"spec", "other"}}
	point.Objects.Set(0, object)
	if applied(t, Pauses{Rules: everything}, point, Target{}).Pausing == nil {
		t.Error("a field that is not secret does not pause")
	}
}

// Most objects are not decoded to find out that nothing pauses them, so a mark has to be seen without: in
// whichever half of it somebody left, and whoever changed the object on its way.
func TestMarksAreSeenWithoutDecoding(t *testing.T) {
	object := func(metadata map[string]any) restore.Object {
		metadata["name"] = "a"
		return restore.Object{
			ID: appbur.ObjectID{Kind: "ConfigMap", Name: "a"}, APIVersion: "v1",
			Content: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata},
		}
	}
	half := map[string]any{restore.PausedKey: "x"}
	for name, c := range map[string]struct {
		metadata map[string]any
		want     bool
	}{
		"none":       {map[string]any{"labels": map[string]any{"app": "x"}}, false},
		"label":      {map[string]any{"labels": half}, true},
		"annotation": {map[string]any{"annotations": half}, true},
	} {
		objects := restore.ObjectsOf(object(map[string]any{}), object(c.metadata))
		if objects.Marked(0) || objects.Marked(1) != c.want {
			t.Errorf("%s: marked %t, want %t", name, objects.Marked(1), c.want)
		}
		objects.Set(0, object(c.metadata))
		if objects.Marked(0) != c.want {
			t.Errorf("%s: marked %t after it was set, want %t", name, objects.Marked(0), c.want)
		}
	}
}
