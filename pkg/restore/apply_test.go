package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	fielderrors "k8s.io/apimachinery/pkg/util/validation/field"
	"pgregory.net/rapid"

	"github.com/appbur/appbur"
)

func fleetPlan(t testing.TB) *Plan {
	t.Helper()
	_, objects := readArchive(t, "testdata/plan/owned-custom-resources.txtar")
	plan, err := NewPlan(pointOf(t, objects...), target, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

type recorder struct {
	mu     sync.Mutex
	events []Event
}

func (r *recorder) Progress(e Event) {
	if !r.mu.TryLock() {
		panic("two calls of the reporter at the same time")
	}
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func outcomeOf(t testing.TB, r Report, id string) Outcome {
	t.Helper()
	for _, o := range r.Outcomes {
		if o.Object.String() == id {
			return o
		}
	}
	t.Fatalf("no outcome of %s in %v", id, r.Outcomes)
	return Outcome{}
}

func TestApplyTwiceChangesNothing(t *testing.T) {
	cluster, plan := newFaultyCluster(), fleetPlan(t)
	var events recorder
	report, err := Apply(t.Context(), plan, cluster, &events)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Counts{Created: 11}); report.Counts != want {
		t.Errorf("first run: %s", report.Counts)
	}

	last := events.events[len(events.events)-1]
	if last.Done != last.Total || len(events.events) != last.Total {
		t.Errorf("%d events, the last is %d of %d", len(events.events), last.Done, last.Total)
	}
	clock := cluster.clock
	cluster.fault = func(Request, int) error { return webhookDown() } // whoever writes is refused
	report, err = Apply(t.Context(), plan, cluster, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Counts{Unchanged: 11}); report.Counts != want || cluster.clock != clock {
		t.Errorf("second run: %s, %d writes", report.Counts, cluster.clock-clock)
	}
}

func TestApplyFollowsTheGraph(t *testing.T) {
	cluster, plan := newFaultyCluster(), fleetPlan(t)
	if _, err := Apply(t.Context(), plan, cluster, nil); err != nil {
		t.Fatal(err)
	}

	for _, s := range plan.Steps {
		for _, before := range s.After {
			b := plan.Steps[before-1]
			if s.Action != ActionApply || b.Action != ActionApply {
				continue
			}
			if slices.Index(cluster.order, b.Object) > slices.Index(cluster.order, s.Object) {
				t.Errorf("%s was applied before %s", s.Object, b.Object)
			}
		}
	}

	machine := cluster.objects[appbur.ObjectID{Group: "cluster.example.com", Kind: "Machine", Namespace: "fleet", Name: "m-0"}]
	set := cluster.objects[appbur.ObjectID{Group: "cluster.example.com", Kind: "MachineSet", Namespace: "fleet", Name: "ms"}]
	owner := list(machine.content, "metadata", "ownerReferences")[0]
	want := map[string]any{
		"apiVersion": "cluster.example.com/v1", "kind": "MachineSet", "name": "ms", "uid": set.identity.UID,
		"controller": true, "blockOwnerDeletion": true,
	}
	if !equalJSON(owner, want) {
		t.Errorf("owner reference %v, want %v", owner, want)
	}
	if !equalJSON(machine.status, map[string]any{"phase": "Running"}) {
		t.Errorf("status %v", machine.status)
	}
}

func TestApplyLinksCycles(t *testing.T) {
	_, objects := readArchive(t, "testdata/plan/cycles.txtar")
	plan, err := NewPlan(pointOf(t, objects...), target, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cluster := newFaultyCluster()
	report, err := Apply(t.Context(), plan, cluster, nil)
	if err != nil {
		t.Fatal(err)
	}
	if report.Counts.Created != 6 {
		t.Errorf("first run: %s", report.Counts)
	}

	for _, id := range []string{
		"ConfigMap/default/a", "ConfigMap/default/b",
		"CustomResourceDefinition.apiextensions.k8s.io/things.example.com",
	} {
		parsed, err := appbur.ParseObjectID(id)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(list(cluster.objects[parsed].content, "metadata", "ownerReferences")); n != 1 {
			t.Errorf("%s has %d owner references", id, n)
		}
	}

	if report, err = Apply(t.Context(), plan, cluster, nil); err != nil || report.Counts.Unchanged != 6 {
		t.Errorf("second run: %s (%v)", report.Counts, err)
	}
}

func TestApplyFaults(t *testing.T) {
	const set = faultySet
	invalid := apierrors.NewInvalid(schema.GroupKind{Kind: "MachineSet"}, "ms",
		fielderrors.ErrorList{fielderrors.Invalid(fielderrors.NewPath("spec"), 1, "no")})

	on := func(id string, times int, err error) func(Request, int) error {
		return func(r Request, attempt int) error {
			if r.Object.String() == id && !r.Status && attempt <= times {
				return err
			}
			return nil
		}
	}

	tests := []faultCase{
		{"throttled for long", on(set, 30, tooManyRequests()), 31, "", ""},
		{"webhook comes up", on(set, 3, webhookDown()), 4, "", ""},
		{"webhook stays down", on(set, 1000, webhookDown()), 0, "given up after 12 attempts", "admission webhook"},
		{"raced", on(set, 1, raced()), 2, "", ""},
		{"connection refused", on(set, 2, fmt.Errorf("dial: %w", syscall.ECONNREFUSED)), 3, "", ""},
		{"not served for a moment", on(set, 2, fmt.Errorf("%w: MachineSet", ErrNotServed)), 3, "", ""},
		{"invalid", on(set, 1000, invalid), 0, "is invalid", ""},
		{"foreign fields", on(set, 1000, fieldConflict()), 0, "conflict with", "take them over"},
		{"namespace terminating", on(set, 1000, namespaceTerminating()), 0, "being terminated", "wait until it is gone"},
	}

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// Inside the bubble minutes of waiting pass at once.
			synctest.Test(t, func(t *testing.T) { testFault(t, tt) })
		})
	}
}

const faultySet = "MachineSet.cluster.example.com/fleet/ms"

type faultCase struct {
	name     string
	fault    func(Request, int) error
	attempts int    // of the machine set, when it succeeds
	reason   string // of the machine set, when it fails
	hint     string
}

func testFault(t *testing.T, want faultCase) {
	const set = faultySet
	cluster := newFaultyCluster()
	cluster.fault = want.fault
	report, err := Apply(t.Context(), fleetPlan(t), cluster, nil)
	o := outcomeOf(t, report, set)

	if want.reason == "" {
		if err != nil || o.Result != Created || o.Attempts != want.attempts {
			t.Fatalf("%+v (%v)\nfailures: %+v", o, err, report.Failures())
		}
		return
	}
	if !errors.Is(err, ErrIncomplete) || appbur.HintOf(err) == "" {
		t.Errorf("error %v", err)
	}
	if o.Result != Failed || !strings.Contains(o.Reason, want.reason) || !strings.Contains(o.Hint, want.hint) {
		t.Errorf("%+v", o)
	}

	// What the machine set owns is there, without its owner and saying so.
	machine := outcomeOf(t, report, "Machine.cluster.example.com/fleet/m-0")
	if machine.Result != Created || len(machine.Notes) != 1 || !strings.Contains(machine.Notes[0], "its owner "+set+" failed") {
		t.Errorf("%+v", machine)
	}
	if want := (Counts{Created: 10, Failed: 1}); report.Counts != want {
		t.Errorf("%s", report.Counts)
	}
	if first := report.Failures()[0]; first.Object.String() != set {
		t.Errorf("the first failure is %s", first.Object)
	}

	// The cause goes away, and a second run finishes the restore: the machine gets
	// its owner.
	cluster.fault = nil
	if report, err = Apply(t.Context(), fleetPlan(t), cluster, nil); err != nil ||
		report.Counts != (Counts{Created: 1, Configured: 1, Unchanged: 9}) {
		t.Errorf("second run: %s (%v)", report.Counts, err)
	}
}

// What a silent webhook guards is waited for once, however much it is; it does not keep the rest from being restored.
func TestASilentWebhookIsWaitedForOnce(t *testing.T) {
	var objects []map[string]any
	for i := range 200 {
		objects = append(objects, decode(t, fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d, namespace: default}\n", i)))
	}
	plan, err := NewPlan(pointOf(t, objects...), target, Options{})
	if err != nil {
		t.Fatal(err)
	}

	synctest.Test(t, func(t *testing.T) {
		cluster := newFaultyCluster()
		var requests atomic.Int64 // they are sent side by side
		cluster.fault = func(Request, int) error { requests.Add(1); return webhookDown() }

		began := time.Now()
		report, err := Applier{Cluster: cluster, Parallel: 4}.Apply(t.Context(), plan)
		if !errors.Is(err, ErrIncomplete) || report.Counts.Failed != 200 {
			t.Errorf("%s (%v)", report.Counts, err)
		}
		if waited := time.Since(began); waited > 2*time.Minute {
			t.Errorf("it took %s", waited)
		}
		if most := int64(4*maxAttempts + 200*laterAttempts); requests.Load() > most {
			t.Errorf("%d requests, want at most %d", requests.Load(), most)
		}
	})
}

func TestApplyHalvesWhenThrottled(t *testing.T) {
	l := newLimiter(32)
	l.throttled(time.Hour)
	l.throttled(time.Hour)
	if got := l.current(); got != 16 {
		t.Errorf("limit %d after two complaints about one crowd, want 16", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a pause outlives its context: %v", err)
	}

	l = newLimiter(4)
	l.throttled(time.Microsecond)
	if err := l.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		l.answered()
	}
	if got := l.current(); got != 4 {
		t.Errorf("limit %d after many answers, want 4", got)
	}
}

func TestApplyIsBounded(t *testing.T) {
	var objects []map[string]any
	for i := range 40 {
		objects = append(objects, decode(t, fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d, namespace: default}\n", i)))
	}
	plan, err := NewPlan(pointOf(t, objects...), target, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cluster := newFaultyCluster()
	cluster.fault = func(Request, int) error { time.Sleep(time.Millisecond); return nil }
	a := Applier{Cluster: cluster, Parallel: 3}
	if _, err := a.Apply(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	if cluster.busiest > 3 {
		t.Errorf("%d requests at the same time, want at most 3", cluster.busiest)
	}
}

func TestApplyStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cluster, plan := newFaultyCluster(), fleetPlan(t)
	cluster.fault = func(r Request, _ int) error {
		if r.Object.Kind == "MachineSet" {
			cancel()
		}
		return nil
	}

	report, err := Apply(ctx, plan, cluster, nil)
	if !errors.Is(err, context.Canceled) || report.Remaining == 0 {
		t.Fatalf("%s, %d remaining (%v)", report.Counts, report.Remaining, err)
	}
	if got := len(report.Outcomes) + report.Remaining; got != 11 {
		t.Errorf("%d objects are accounted for, want 11", got)
	}
	if report.Counts.Failed != 0 {
		t.Errorf("what was interrupted is reported as failed: %v", report.Failures())
	}
	cluster.fault = nil
	if report, err = Apply(t.Context(), plan, cluster, nil); err != nil || report.Remaining != 0 || report.Counts.Created == 0 {
		t.Errorf("second run: %s (%v)", report.Counts, err)
	}
}

func TestApplyRefuses(t *testing.T) {
	_, objects := readArchive(t, "testdata/plan/blocked-and-converted.txtar")
	point := pointOf(t, objects...)
	plan, err := NewPlan(point, target, Options{})
	if err != nil {
		t.Fatal(err)
	}

	cluster := newFaultyCluster()
	if _, err := Apply(t.Context(), plan, cluster, nil); !errors.Is(err, ErrBlocked) || appbur.HintOf(err) == "" || len(cluster.objects) != 0 {
		t.Errorf("blocked objects: %v, %d written", err, len(cluster.objects))
	}
	if plan, err = NewPlan(point, target, Options{Policy: Policy{AllowBlocked: true}}); err != nil {
		t.Fatal(err)
	}
	report, err := Apply(t.Context(), plan, cluster, nil)
	if want := (Counts{Created: 3, Skipped: 2, Converted: 2}); err != nil || report.Counts != want {
		t.Errorf("blocked objects allowed: %s (%v)", report.Counts, err)
	}

	data, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var saved Plan
	if err := json.Unmarshal(data, &saved); err != nil {
		t.Fatal(err)
	}

	if _, err := Apply(t.Context(), &saved, cluster, nil); !errors.Is(err, ErrNoContent) {
		t.Errorf("a plan without content: %v", err)
	}
	sealed := pointOf(t, decode(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: default}\ndata: {a: ENC}\n"))
	secret := sealed.Objects.At(0)
	secret.Content["sops"] = map[string]any{"version": "3"}
	sealed.Objects.Set(0, secret)
	if plan, err = NewPlan(sealed, target, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Apply(t.Context(), plan, cluster, nil); !errors.Is(err, ErrSealed) || appbur.HintOf(err) == "" {
		t.Errorf("a sealed plan: %v", err)
	}
}

// Any graph of owners and references, cycles included, gives a plan in order that
// applies completely, never with a uid that is not live, and twice without a change.
func TestApplyProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "objects")
		objects := make([]map[string]any, n)
		kinds := []string{"ConfigMap", "Secret", "Service", "ResourceQuota"}
		name := func(i int) string { return fmt.Sprintf("o%d", i) }
		kind := make([]string, n)
		for i := range n {
			kind[i] = rapid.SampledFrom(kinds).Draw(t, "kind")
		}

		for i := range n {
			var owners []any
			for _, o := range rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, 3, rapid.ID[int]).Draw(t, "owners") {
				owners = append(owners, map[string]any{"apiVersion": "v1", "kind": kind[o], "name": name(o), "uid": "u-" + name(o)})
			}
			other := rapid.IntRange(0, n-1).Draw(t, "reference")
			objects[i] = map[string]any{
				"apiVersion": "v1", "kind": kind[i],
				"metadata": map[string]any{"name": name(i), "namespace": "default", "uid": "u-" + name(i), "ownerReferences": owners},
				"spec":     map[string]any{"ref": map[string]any{"apiVersion": "v1", "kind": kind[other], "name": name(other)}},
			}
		}

		plan, err := NewPlan(pointOf(t, objects...), target, Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkOrder(t, plan)
		cluster := newFaultyCluster()
		report, err := Apply(context.Background(), plan, cluster, nil)
		if err != nil || report.Counts.Created != n {
			t.Fatalf("%s (%v)", report.Counts, err)
		}

		for i := range n {
			got := cluster.objects[appbur.ObjectID{Kind: kind[i], Namespace: "default", Name: name(i)}]
			want := 0
			for _, o := range list(objects[i], "metadata", "ownerReferences") {
				if text(o, "uid") != "u-"+name(i) {
					want++
				}
			}

			if owners := list(got.content, "metadata", "ownerReferences"); len(owners) != want {
				t.Fatalf("%s has %d owners, want %d", name(i), len(owners), want)
			}
		}

		clock := cluster.clock
		if report, err = Apply(context.Background(), plan, cluster, nil); err != nil || report.Counts.Unchanged != n || cluster.clock != clock {
			t.Fatalf("second run: %s (%v)", report.Counts, err)
		}
	})
}
