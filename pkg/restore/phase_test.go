package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur"
)

// stalls are two workloads with what they need, and something that nobody needs.
const stalls = `
{apiVersion: v1, kind: Namespace, metadata: {name: market}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: web, namespace: market}, data: {a: b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: idle, namespace: market}, data: {a: b}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: market}
spec: {replicas: 0, selector: {matchLabels: {a: db}}, template: {metadata: {labels: {a: db}}, spec: {containers: [{name: x, image: x}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: market}
spec:
  replicas: 0
  selector: {matchLabels: {a: web}}
  template:
    metadata: {labels: {a: web}}
    spec: {containers: [{name: x, image: x, envFrom: [{configMapRef: {name: web}}]}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard}
webhooks: [{name: guard.example.org, admissionReviewVersions: [v1], sideEffects: None, failurePolicy: Fail, timeoutSeconds: 1,
  matchPolicy: Equivalent, namespaceSelector: {}, objectSelector: {}, clientConfig: {url: "https://127.0.0.1:1/"},
  rules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments], scope: "*"}]}]
`

// part is a phase of objects by the end of their names.
func part(phase string, wait time.Duration, ends ...string) DeclaredPhase {
	return DeclaredPhase{Name: phase, Wait: wait > 0, Timeout: wait, Objects: func(o Object) bool {
		return slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(o.ID.String(), end) })
	}}
}

func phased(t *testing.T, phases ...DeclaredPhase) (*Plan, error) {
	t.Helper()
	point, err := phasedPoint(t, phases...)
	if err != nil {
		return nil, err
	}
	return NewPlan(point, target, Options{})
}

func phasedPoint(t *testing.T, phases ...DeclaredPhase) (Point, error) {
	t.Helper()
	var objects []map[string]any
	for _, document := range strings.Split(stalls, "\n---\n") {
		objects = append(objects, decode(t, document))
	}
	return pointOf(t, objects...).InPhases(phases)
}

// turns says which objects a plan applies in which phase, in order.
func turns(p *Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		switch s.Action {
		case ActionApply:
			fmt.Fprintf(&b, "%d:%s/%s ", s.Phase, s.Object.Kind, s.Object.Name)
		case ActionReady:
			fmt.Fprintf(&b, "%d:ready ", s.Phase)
		default:
		}
	}
	return strings.TrimSpace(b.String())
}

// What the objects of a phase need comes with them, all else after the last phase, and each phase goes
// through the stages of a restore: a webhook comes after the workloads of its phase.
func TestPhasesOrderAPlan(t *testing.T) {
	for _, tt := range []struct {
		name   string
		phases []DeclaredPhase
		want   string
	}{
		{
			"none", nil,
			"0:Namespace/market 0:ConfigMap/idle 0:ConfigMap/web 0:Deployment/db 0:Deployment/web 0:ValidatingWebhookConfiguration/guard",
		},
		{
			"a workload before the rest",
			[]DeclaredPhase{part("first", time.Minute, "market/web")},
			"1:Namespace/market 1:ConfigMap/web 1:Deployment/web 1:ready 0:ConfigMap/idle 0:Deployment/db 0:ValidatingWebhookConfiguration/guard",
		},
		{
			"two workloads, against the order of their names",
			[]DeclaredPhase{part("first", time.Minute, "Deployment.apps/market/web"), part("second", 0, "/db", "/guard")},
			"1:Namespace/market 1:ConfigMap/web 1:Deployment/web 1:ready 2:Deployment/db 2:ValidatingWebhookConfiguration/guard 2:ready 0:ConfigMap/idle",
		},
		{
			"a webhook before a workload that it judges",
			[]DeclaredPhase{part("first", 0, "/guard")},
			"1:ValidatingWebhookConfiguration/guard 1:ready 0:Namespace/market 0:ConfigMap/idle 0:ConfigMap/web 0:Deployment/db 0:Deployment/web",
		},
		{
			"a phase without objects",
			[]DeclaredPhase{part("nobody", 0), part("first", 0, "/db")},
			"2:Namespace/market 2:Deployment/db 2:ready 0:ConfigMap/idle 0:ConfigMap/web 0:Deployment/web 0:ValidatingWebhookConfiguration/guard",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := phased(t, tt.phases...)
			if err != nil {
				t.Fatal(err)
			}
			if got := turns(plan); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
			for _, s := range plan.Steps {
				for _, needed := range s.Needs {
					if !slices.Contains(s.After, needed) || needed >= s.ID {
						t.Errorf("step %d needs %d and comes after %v", s.ID, needed, s.After)
					}
				}
			}
		})
	}
}

// Phases that contradict what objects need are refused, and the contradiction is told object by object.
func TestPhasesThatContradictWhatIsNeededAreRefused(t *testing.T) {
	_, err := phased(t, part("apps", 0, "Deployment.apps/market/web"), part("settings", 0, "ConfigMap/market/web"))
	var cycle *PhaseCycleError
	if !errors.As(err, &cycle) || appbur.HintOf(err) == "" {
		t.Fatalf("%v", err)
	}
	const want = "the phases form a cycle with what objects need: Deployment.apps/market/web needs ConfigMap/market/web, " +
		"which comes in phase settings, after phase apps of Deployment.apps/market/web"
	if err.Error() != want {
		t.Errorf("%s", err)
	}

	_, err = phased(t, part("apps", 0, "Deployment.apps/market/web"), part("places", 0, "Namespace/market"))
	if !errors.As(err, &cycle) || len(cycle.Links) < 2 || cycle.Links[len(cycle.Links)-1].Kind != "Namespace" {
		t.Errorf("%v", err)
	}
	if _, err = phased(t, part("one", 0, "market/web"), part("two", 0, "ConfigMap/market/web")); !errors.Is(err, ErrTwoPhases) ||
		appbur.HintOf(err) == "" || !strings.Contains(err.Error(), "ConfigMap/market/web is in one and in two") {
		t.Errorf("%v", err)
	}
}

// available has the fake target say of each Deployment that it is available, from a moment on.
func available(cluster *faultyCluster, after time.Duration) {
	time.AfterFunc(after, func() {
		cluster.mu.Lock()
		defer cluster.mu.Unlock()
		for id, k := range cluster.objects {
			if id.Kind == "Deployment" {
				k.status = map[string]any{"conditions": []any{
					map[string]any{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
					map[string]any{"type": "Available", "status": "True"},
				}}
			}
		}
	})
}

// A phase is waited for, its objects first and its time at the latest, and the next run goes on.
func TestAPhaseIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan, err := phased(t, part("first", time.Minute, "market/web"))
		if err != nil {
			t.Fatal(err)
		}
		cluster := newFaultyCluster()
		applier := Applier{Cluster: cluster, Now: time.Now}
		report, err := applier.Apply(t.Context(), plan)
		if !errors.Is(err, ErrIncomplete) || !errors.Is(err, ErrNotReady) || appbur.HintOf(err) == "" {
			t.Fatalf("%v", err)
		}
		if report.Remaining != 3 || report.Counts.Created != 3 || report.Counts.Failed != 0 {
			t.Errorf("%s, %d remaining", report.Counts, report.Remaining)
		}
		if len(report.Phases) != 1 || len(report.Phases[0].NotReady) != 1 {
			t.Fatalf("%+v", report.Phases)
		}
		waiting := report.Phases[0]
		if n := waiting.NotReady[0]; n.Object.Name != "web" || n.Status != "InProgress" || n.Why != "Deployment not Available" {
			t.Errorf("%+v", n)
		}
		if _, waited := waiting.Times(); waited != time.Minute {
			t.Errorf("waited %s", waited)
		}

		available(cluster, 10*time.Second)
		report, err = applier.Apply(t.Context(), plan)
		if err != nil || report.Counts != (Counts{Created: 3, Unchanged: 3}) || len(report.Phases[0].NotReady) > 0 {
			t.Errorf("%s, %+v (%v)", report.Counts, report.Phases, err)
		}
		if _, waited := report.Phases[0].Times(); waited < 9*time.Second || waited > 12*time.Second {
			t.Errorf("waited %s", waited)
		}
		if last := cluster.order[len(cluster.order)-1]; last.Name != "guard" {
			t.Errorf("%s is last", last)
		}
	})
}

// What was not restored is not waited for, and a dry run waits for nothing.
func TestNothingIsWaitedForInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan, err := phased(t, part("first", time.Hour, "market/web"))
		if err != nil {
			t.Fatal(err)
		}
		cluster := newFaultyCluster()
		began := time.Now()
		if _, err := Apply(t.Context(), plan, DryRun(cluster), nil); err != nil {
			t.Error(err)
		}
		cluster.fault = func(r Request, _ int) error {
			if r.Object.Kind == "Deployment" {
				return fieldConflict()
			}
			return nil
		}
		report, err := Apply(t.Context(), plan, cluster, nil)
		if !errors.Is(err, ErrNotReady) || report.Counts.Failed != 1 || report.Remaining != 3 {
			t.Errorf("%s, %d remaining (%v)", report.Counts, report.Remaining, err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

// A wait that is cancelled is no failure of its phase, and the next run goes on.
func TestAWaitIsCancelled(t *testing.T) {
	plan, err := phased(t, part("first", time.Hour, "market/web", "/db", "/guard", "/idle"))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		cluster := newFaultyCluster()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		report, err := Apply(ctx, plan, cluster, nil)
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNotReady) || len(report.Phases) > 0 || report.Counts.Failed > 0 {
			t.Errorf("%s, %+v (%v)", report.Counts, report.Phases, err)
		}
		available(cluster, 0)
		if _, err := Apply(t.Context(), plan, cluster, nil); err != nil {
			t.Error(err)
		}
	})
}

// What is restored paused is ready when it is released, so it is not waited for.
func TestAPhaseDoesNotWaitForWhatIsPaused(t *testing.T) {
	point, err := phasedPoint(t, part("first", time.Hour, "Deployment.apps/market/web"))
	if err != nil {
		t.Fatal(err)
	}
	web := appbur.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "market", Name: "web"}
	point.Pausing = &Pausing{Activate: ActivateLater, Controllers: []PausedFor{{Controller: "own", Objects: []appbur.ObjectID{web}}}}
	plan, err := NewPlan(point, target, Options{})
	if err != nil || len(plan.Phases) != 1 || !slices.Equal(plan.Phases[0].NotAwaited, []appbur.ObjectID{web}) {
		t.Fatalf("%+v (%v)", plan, err)
	}
	if text := plan.String(); !strings.Contains(text, "1 object restored paused, and not waited for") {
		t.Errorf("%s", text)
	}
	synctest.Test(t, func(t *testing.T) {
		if _, err := Apply(t.Context(), plan, newFaultyCluster(), nil); err != nil {
			t.Error(err)
		}
	})
}
