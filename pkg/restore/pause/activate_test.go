package pause

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// store is a target in memory, which answers a number of requests and then no more.
type store struct {
	restore.Cluster

	mu       sync.Mutex
	objects  map[appbur.ObjectID]map[string]any
	requests int
	// stop ends the process that sends requests after so many of them; 0 does not.
	stop     int
	stopped  context.CancelCauseFunc
	versions int
	// order are the objects as they were released; raced are written by another one before.
	order []string
	raced map[appbur.ObjectID]func(map[string]any) map[string]any
}

func storeOf(objects restore.Objects) *store {
	s := &store{objects: make(map[appbur.ObjectID]map[string]any), raced: make(map[appbur.ObjectID]func(map[string]any) map[string]any)}
	for _, o := range objects.All() {
		s.objects[o.ID] = put(o.Content, []string{"metadata", "resourceVersion"}, "0")
	}
	return s
}

var errStopped = errors.New("killed")

// enter counts a request. The one after the last is not answered.
func (s *store) enter() error {
	if s.requests++; s.stop > 0 && s.requests > s.stop {
		s.stopped(errStopped)
		return context.Canceled
	}
	return nil
}

func (s *store) Get(_ context.Context, id appbur.ObjectID, _ string) (map[string]any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter(); err != nil {
		return nil, err
	}
	if live, ok := s.objects[id]; ok {
		return maps.Clone(live), nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: id.Kind}, id.Name)
}

func (s *store) Apply(_ context.Context, r restore.Request) (restore.Applied, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter(); err != nil {
		return restore.Applied{}, err
	}
	live, ok := s.objects[r.Object]
	if !ok {
		return restore.Applied{}, apierrors.NewNotFound(schema.GroupResource{Resource: r.Object.Kind}, r.Object.Name)
	}
	if race, ok := s.raced[r.Object]; ok {
		delete(s.raced, r.Object)
		s.objects[r.Object] = put(race(live), []string{"metadata", "resourceVersion"}, "raced")
		live = s.objects[r.Object]
	}
	version := []string{"metadata", "resourceVersion"}
	if !same(lookup(live, version), lookup(r.Content, version)) {
		return restore.Applied{}, apierrors.NewConflict(schema.GroupResource{Resource: r.Object.Kind}, r.Object.Name, errors.New("modified"))
	}

	s.versions++
	merged, _ := merge(live, r.Content).(map[string]any)
	s.objects[r.Object] = put(merged, version, fmt.Sprint(s.versions))
	s.order = append(s.order, r.Object.Name)
	return restore.Applied{}, nil
}

// merge applies a merge patch (RFC 7386).
func merge(target, change any) any {
	fields, ok := change.(map[string]any)
	if !ok {
		return change
	}
	into, _ := target.(map[string]any)
	into = maps.Clone(into)
	if into == nil {
		into = make(map[string]any)
	}
	for key, value := range fields {
		if value == nil {
			delete(into, key)
			continue
		}
		into[key] = merge(into[key], value)
	}
	return into
}

// releases are those of everything that is paused.
func (s *store) releases() []Release {
	var all []Release
	for id, live := range s.objects {
		if r, ok := ReleaseOf(id, live); ok {
			all = append(all, r)
		}
	}
	Sort(all)
	return all
}

const fleet = `
{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: source, generation: 2}, spec: {suspend: false},
  status: {observedGeneration: 2, conditions: [{type: Ready, status: "True"}]}}
---
{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: apply}, spec: {}}
---
{apiVersion: image.toolkit.fluxcd.io/v1, kind: ImageUpdateAutomation, metadata: {name: commit}, spec: {}}
---
{apiVersion: cluster.x-k8s.io/v1beta1, kind: Cluster, metadata: {name: cluster}, spec: {}}
---
{apiVersion: cluster.x-k8s.io/v1beta1, kind: MachineDeployment, metadata: {name: deployment}, spec: {}}
---
{apiVersion: cluster.x-k8s.io/v1beta1, kind: MachineSet, metadata: {name: set}, spec: {}}
---
{apiVersion: cluster.x-k8s.io/v1beta1, kind: Machine, metadata: {name: machine, annotations: {a: b}}, spec: {}}
---
{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: web}, operation: {sync: {revision: "1"}},
  spec: {syncPolicy: {automated: {prune: true}}}}
---
{apiVersion: batch/v1, kind: CronJob, metadata: {name: quiet}, spec: {suspend: true}}`

// normalised is an object without what only the server writes.
func normalised(content map[string]any) map[string]any {
	content = put(content, []string{"metadata", "resourceVersion"}, nil)
	for _, key := range []string{"labels", "annotations"} {
		if left, ok := lookup(content, []string{"metadata", key}).(map[string]any); ok && len(left) == 0 {
			content = put(content, []string{"metadata", key}, nil)
		}
	}
	return content
}

func asBefore(t *testing.T, before restore.Point, s *store) {
	t.Helper()
	for _, o := range before.Objects.All() {
		if got := normalised(s.objects[o.ID]); !cmp.Equal(o.Content, got) {
			t.Errorf("%s is not as it was:\n%s", o.ID, cmp.Diff(o.Content, got))
		}
	}
}

func TestReleaseInStages(t *testing.T) {
	before := pointOf(t, fleet)
	s := storeOf(applied(t, Pauses{}, before, Target{}).Objects)
	report, err := Activator{Cluster: s, Wait: time.Minute}.Activate(t.Context(), s.releases())
	if err != nil || report.Released != 8 {
		t.Fatalf("%+v: %v", report, err)
	}
	asBefore(t, before, s)

	at := func(name string) int {
		for i, released := range s.order {
			if released == name {
				return i
			}
		}
		t.Fatalf("%s was not released: %v", name, s.order)
		return 0
	}
	for _, names := range []string{"source apply commit", "machine set deployment cluster"} {
		chain := strings.Fields(names)
		for i := range chain[1:] {
			if at(chain[i]) > at(chain[i+1]) {
				t.Errorf("%s came before %s: %v", chain[i+1], chain[i], s.order)
			}
		}
	}
	if again, err := (Activator{Cluster: s}).Activate(t.Context(), s.releases()); err != nil || again.Released != 0 {
		t.Errorf("a second time: %+v, %v", again, err)
	}
}

// Killed at every request, and run again: it converges, whatever was done until then.
func TestReleaseIsKilledAtEveryRequest(t *testing.T) {
	before := pointOf(t, fleet)
	for stop := 1; ; stop++ {
		s := storeOf(applied(t, Pauses{}, before, Target{}).Objects)
		ctx, cancel := context.WithCancelCause(t.Context())
		s.stop, s.stopped = stop, cancel
		_, err := Activator{Cluster: s, Wait: time.Minute}.Activate(ctx, s.releases())
		cancel(nil)
		if err == nil {
			if stop < 10 {
				t.Errorf("only %d requests", stop)
			}
			return
		}

		s.stop = 0
		if _, err := (Activator{Cluster: s, Wait: time.Minute}).Activate(t.Context(), s.releases()); err != nil {
			t.Fatalf("after %d requests: %v", stop, err)
		}
		asBefore(t, before, s)
	}
}

// What is not ready holds back what needs it, and nothing else.
func TestWhatIsNotReadyHoldsTheNextStage(t *testing.T) {
	for what, source := range map[string]string{
		"its controller has not looked at it": `status: {observedGeneration: 1, conditions: [{type: Ready, status: "True"}]}`,
		"it has no condition Ready yet":       `status: {observedGeneration: 2}`,
		"Ready is False: Auth: no access": `status: {observedGeneration: 2, conditions: [
			{type: Ready, status: "False", reason: Auth, message: no access}]}`,
		"it is stalled: Bad: url": `status: {observedGeneration: 2, conditions: [{type: Ready, status: "True"},
			{type: Stalled, status: "True", reason: Bad, message: url}]}`,
	} {
		ready := `status: {observedGeneration: 2, conditions: [{type: Ready, status: "True"}]}`
		s := storeOf(applied(t, Pauses{}, pointOf(t, strings.Replace(fleet, ready, source, 1)), Target{}).Objects)
		report, err := Activator{Cluster: s, Wait: time.Millisecond}.Activate(t.Context(), s.releases())
		if !errors.Is(err, ErrHeld) || report.Released != 6 {
			t.Errorf("%s: %d released, %v", what, report.Released, err)
		}
		held := 0
		for _, o := range report.Outcomes {
			if o.Result == Held {
				held++
				if !strings.Contains(o.Reason, what) {
					t.Errorf("want %q, is %q", what, o.Reason)
				}
			}
		}
		if held != 2 {
			t.Errorf("%s: %d are held", what, held)
		}
		if report, err := (Activator{Cluster: s}).Activate(t.Context(), s.releases()); err != nil || report.Released != 2 {
			t.Errorf("%s: without waiting: %+v, %v", what, report, err)
		}
	}
}

// What somebody has changed in between stays as they want it.
func TestReleaseLeavesWhatOthersHaveChanged(t *testing.T) {
	s := storeOf(applied(t, Pauses{}, pointOf(t, fleet), Target{}).Objects)
	id := func(name string) appbur.ObjectID {
		for id := range s.objects {
			if id.Name == name {
				return id
			}
		}
		t.Fatal(name)
		return appbur.ObjectID{}
	}
	s.objects[id("apply")] = put(s.objects[id("apply")], []string{"spec", "suspend"}, false)
	s.raced[id("machine")] = func(live map[string]any) map[string]any { return put(live, []string{"spec", "replaced"}, "yes") }
	s.raced[id("set")] = func(live map[string]any) map[string]any {
		return put(live, []string{"metadata", "annotations", "cluster.x-k8s.io/paused"}, "by-me")
	}
	releases := s.releases()
	delete(s.objects, id("web"))

	report, err := Activator{Cluster: s}.Activate(t.Context(), releases)
	if err != nil || report.Released != 7 {
		t.Errorf("%+v, %v", report, err)
	}
	for name, want := range map[string]any{"apply": false, "machine": nil, "set": nil} {
		if got := lookup(s.objects[id(name)], []string{"spec", "suspend"}); got != want {
			t.Errorf("%s: spec.suspend is %v", name, got)
		}
	}
	if lookup(s.objects[id("machine")], []string{"spec", "replaced"}) != "yes" {
		t.Error("a write in between was taken back")
	}
	if lookup(s.objects[id("set")], []string{"metadata", "annotations", "cluster.x-k8s.io/paused"}) != "by-me" {
		t.Error("a pause of somebody else was taken back")
	}
}

// A mark is input: whoever may write an object may write it, and somebody else with more rights
// releases it.
func TestAForgedMarkChangesNothing(t *testing.T) {
	forged := func(kind, apiVersion, mark string) restore.Object {
		quoted, _ := json.Marshal(mark)
		return objectOf(t, fmt.Sprintf(`{apiVersion: %s, kind: %s, metadata: {name: a, labels: {%s: "true"}, annotations: {%s: %s}}, spec: {}}`,
			apiVersion, kind, restore.PausedKey, restore.PausedKey, quoted))
	}
	field := func(path string) string {
		return `{"controller":"x","stage":1,"fields":[{"path":` + path + `,"was":"y"}]}`
	}

	for _, o := range []restore.Object{
		forged("ClusterRole", "rbac.authorization.k8s.io/v1", field(`["rules"]`)),
		forged("CertificateSigningRequest", "certificates.k8s.io/v1", field(`["spec","x"]`)),
		forged("CronJob", "batch/v1", field(`["metadata","ownerReferences"]`)),
		forged("CronJob", "batch/v1", field(`["metadata","labels","x"]`)),
		forged("CronJob", "batch/v1", field(`["status","x"]`)),
		forged("CronJob", "batch/v1", field(`[]`)),
		forged("CronJob", "batch/v1", `{"controller":"x","fields":[]}`),
		forged("CronJob", "batch/v1", `{"controller":"x","more":1}`),
		forged("CronJob", "batch/v1", "nothing"),
		forged("CronJob", "batch/v1", strings.Repeat("x", mostMark+1)),
	} {
		s := storeOf(restore.ObjectsOf(o))
		releases := s.releases()
		if len(releases) != 1 || releases[0].Problem == "" {
			t.Errorf("%s is not told: %+v", o.ID, releases)
			continue
		}
		if _, err := (Activator{Cluster: s}).Activate(t.Context(), releases); !errors.Is(err, ErrHeld) || len(s.order) > 0 {
			t.Errorf("%s: %v, written: %v", o.ID, err, s.order)
		}
	}
}
