package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

var began = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)

// fakeCluster keeps objects with uid and resource version, and dates writes by a clock of its own.
// What a real server does is tested in internal/cli.
type fakeCluster struct {
	restore.Cluster
	mu      sync.Mutex
	clock   time.Time
	objects map[string]map[string]any
	next    int
	// fault may fail a write, before it is done or after: then its answer is lost.
	fault func(r restore.Request) (before, after error)
	// unreadable fails reads.
	unreadable error
}

func newFake() *fakeCluster {
	return &fakeCluster{clock: began, objects: make(map[string]map[string]any)}
}

var (
	group    = schema.GroupResource{Resource: "things"}
	busy     = apierrors.NewServiceUnavailable("busy")
	conflict = apierrors.NewConflict(group, Name, errors.New("changed"))
)

func (f *fakeCluster) Get(_ context.Context, id appbur.ObjectID, _ string) (map[string]any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	object, ok := f.objects[id.String()]
	if f.unreadable != nil {
		return nil, f.unreadable
	}
	if !ok {
		return nil, apierrors.NewNotFound(group, id.Name)
	}
	return object, nil
}

func (f *fakeCluster) Apply(_ context.Context, r restore.Request) (restore.Applied, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var after error
	if f.fault != nil {
		var before error
		if before, after = f.fault(r); before != nil {
			return restore.Applied{}, before
		}
	}
	live, exists := f.objects[r.Object.String()]
	metadata := dict(r.Content["metadata"])
	switch {
	case r.By == restore.ByCreate && exists:
		return restore.Applied{}, apierrors.NewAlreadyExists(group, r.Object.Name)
	case r.By == restore.ByUpdate && !exists:
		return restore.Applied{}, apierrors.NewNotFound(group, r.Object.Name)
	case r.By == restore.ByUpdate && (dict(live["metadata"])["resourceVersion"] != metadata["resourceVersion"] ||
		dict(live["metadata"])["uid"] != metadata["uid"]):
		return restore.Applied{}, conflict
	}

	f.next++
	written := map[string]any{}
	for key, value := range metadata {
		written[key] = value
	}
	at := f.clock.UTC().Format(time.RFC3339)
	written["resourceVersion"], written["creationTimestamp"] = fmt.Sprint(f.next), at
	written["managedFields"] = []any{map[string]any{"manager": "appbur", "time": at}}
	if !exists {
		written["uid"] = fmt.Sprint("uid-", f.next)
	}
	object := map[string]any{"metadata": written, "spec": r.Content["spec"], "data": r.Content["data"]}
	if !r.DryRun {
		f.objects[r.Object.String()] = object
	}
	if after != nil {
		return restore.Applied{}, after
	}
	return restore.Applied{
		Identity: restore.Identity{UID: text(written["uid"]), ResourceVersion: text(written["resourceVersion"])}, Object: object,
	}, nil
}

func (f *fakeCluster) Delete(context.Context, restore.Deletion) (bool, error) { return true, nil }

// pass lets time pass for everybody.
func (f *fakeCluster) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock = f.clock.Add(d)
}

func (f *fakeCluster) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock
}

func (f *fakeCluster) options() Options { return Options{Now: f.now, Random: rand.Reader} }

var (
	alice = Holder{User: "alice", Host: "a", Point: "20261121T030000Z", Started: began, Process: "p1"}
	bob   = Holder{User: "bob", Host: "b", Point: "20261121T040000Z", Part: "namespace shop", Started: began}
)

func taken(t *testing.T, c restore.Cluster, who Holder, o Options) (*Lock, Taken) {
	t.Helper()
	lock, how, err := Take(t.Context(), c, who, o)
	if err != nil {
		t.Fatal(err)
	}
	return lock, how
}

func TestOneHoldsTheLock(t *testing.T) {
	c := newFake()
	_, how := taken(t, c, alice, c.options())
	if how.From != nil {
		t.Errorf("it was free: %+v", how)
	}
	c.pass(20 * time.Second)
	_, _, err := Take(t.Context(), c, bob, c.options())
	var held *HeldError
	if !errors.As(err, &held) || held.By.User != "alice" || held.Age != 20*time.Second {
		t.Fatalf("got %v", err)
	}
	want := "alice on a restores 20261121T030000Z to this cluster since 2026-11-21T03:00:00Z; the lock was renewed 20s ago"
	if err.Error() != want {
		t.Errorf("got %s", err)
	}
}

func TestAHolderSaysWhatItDoes(t *testing.T) {
	carol := Holder{User: "carol", Host: "c", Started: began}
	for want, who := range map[string]Holder{
		"bob on b restores 20261121T040000Z (namespace shop) to this cluster since 2026-11-21T03:00:00Z": bob,
		"carol on c releases what is paused in this cluster since 2026-11-21T03:00:00Z":                  carol,
		"somebody on some machine restores x to this cluster since 2026-11-21T03:00:00Z":                 {Point: "x", Started: began},
	} {
		if got := who.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestALockThatWasNotReleasedIsTakenWhenItIsSafe(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		local time.Duration // how much the clock of the second is wrong
		gone  bool
		over  bool
		why   string
	}{
		"expired":                              {after: 61 * time.Second, why: Expired},
		"not expired":                          {after: 59 * time.Second},
		"not expired, whatever my clock says":  {after: 10 * time.Second, local: 24 * time.Hour},
		"expired, whatever my clock says":      {after: 61 * time.Second, local: -24 * time.Hour, why: Expired},
		"its process has ended":                {after: time.Second, gone: true, why: Ended},
		"taken over":                           {after: time.Second, over: true, why: TakenOver},
		"expired, and to be taken over anyway": {after: 61 * time.Second, over: true, why: Expired},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newFake()
			taken(t, cluster, alice, cluster.options())
			cluster.pass(c.after)
			o := cluster.options()
			o.TakeOver = c.over
			o.Gone = func(process string) bool { return c.gone && process == "p1" }
			o.Now = func() time.Time { return cluster.now().Add(c.local) }

			_, how, err := Take(t.Context(), cluster, bob, o)
			if c.why == "" {
				if !errors.As(err, new(*HeldError)) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || how.Why != c.why || how.From.User != "alice" {
				t.Errorf("got %+v, %v", how, err)
			}
		})
	}
}

func TestOfManyWhoTakeTheLockOneHasIt(t *testing.T) {
	c := newFake()
	taken(t, c, alice, c.options())
	c.pass(2 * time.Minute) // free, and everybody sees it
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		wg.Go(func() {
			_, _, err := Take(t.Context(), c, bob, c.options())
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.As(err, new(*HeldError)) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d have the lock", won)
	}
}

// What makes a lock lost, and what a run sees of it at its next write.
func TestARunStopsBeforeItsNextWriteWhenItsLockIsLost(t *testing.T) {
	configMap := restore.Request{By: restore.ByCreate, Object: appbur.ObjectID{Kind: "ConfigMap", Namespace: "a", Name: "b"}}
	for name, c := range map[string]struct {
		happens func(t *testing.T, c *fakeCluster)
		want    string
	}{
		"nothing happens": {func(*testing.T, *fakeCluster) {}, ""},
		"taken over": {func(t *testing.T, c *fakeCluster) {
			o := c.options()
			o.TakeOver = true
			taken(t, c, bob, o)
		}, "bob on b restores"},
		"deleted": {func(_ *testing.T, c *fakeCluster) { clear(c.objects) }, "somebody deleted its Lease"},
		"a label of somebody": {func(_ *testing.T, c *fakeCluster) {
			dict(c.objects[leaseID.String()]["metadata"])["resourceVersion"] = "x"
		}, ""},
		"a server that is busy": {func(_ *testing.T, c *fakeCluster) { c.fault = failing(busy, nil) }, ""},
		"a lost answer":         {func(_ *testing.T, c *fakeCluster) { c.fault = failing(nil, busy) }, ""},
		"a server that takes no writes": {func(_ *testing.T, c *fakeCluster) {
			c.fault = failing(busy, nil)
			c.pass(30 * time.Second)
		}, ""},
		"a server that stays away": {func(_ *testing.T, c *fakeCluster) {
			c.fault, c.unreadable = failing(busy, nil), busy
			c.pass(30 * time.Second)
		}, "could not be renewed for 32s"},
		"a webhook without its backend": {func(_ *testing.T, c *fakeCluster) {
			c.fault = failing(apierrors.NewInternalError(errors.New(`failed calling webhook "w": refused`)), nil)
			c.pass(time.Hour)
		}, ""},
		"no right any more": {func(_ *testing.T, c *fakeCluster) {
			c.fault, c.unreadable = failing(apierrors.NewForbidden(group, Name, errors.New("no")), nil), busy
		}, "forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newFake()
			lock, _ := taken(t, cluster, alice, cluster.options())
			ctx, end := lock.Hold(t.Context())
			defer func() {
				cluster.fault, cluster.unreadable = nil, nil
				_ = end()
			}()
			cluster.pass(2 * time.Second)
			c.happens(t, cluster)

			_, err := lock.Cluster().Apply(ctx, configMap)
			written := cluster.objects[configMap.Object.String()] != nil
			if c.want == "" {
				if !written || ctx.Err() != nil {
					t.Errorf("written %t, %v, %v", written, err, context.Cause(ctx))
				}
				return
			}
			if written || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("written %t, %v", written, err)
			}
			if cause := context.Cause(ctx); cause == nil || ctx.Err() == nil {
				t.Error("the run goes on")
			}
		})
	}
}

// failing fails writes of the Lease.
func failing(before, after error) func(restore.Request) (error, error) {
	return func(r restore.Request) (error, error) {
		if r.Object != leaseID {
			return nil, nil
		}
		return before, after
	}
}

func TestAFreshLockIsNotAskedForAgain(t *testing.T) {
	c := newFake()
	lock, _ := taken(t, c, alice, c.options())
	before := c.next
	for range 100 {
		if err := lock.Confirm(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if c.next != before {
		t.Errorf("%d writes", c.next-before)
	}
	c.pass(time.Second)
	if err := lock.Confirm(t.Context()); err != nil || c.next != before+1 {
		t.Errorf("%d writes, %v", c.next-before, err)
	}
}

func TestTheEndReleasesTheLock(t *testing.T) {
	for name, fault := range map[string]func(restore.Request) (error, error){
		"at once": nil, "after trouble": once(busy, nil), "with a lost answer": once(nil, busy),
	} {
		c := newFake()
		lock, _ := taken(t, c, alice, c.options())
		ctx, cancel := context.WithCancel(t.Context())
		_, end := lock.Hold(ctx)
		cancel() // as Ctrl-C does
		c.fault = fault
		if err := end(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, how := taken(t, c, bob, c.options()); how.From != nil {
			t.Errorf("%s: it was held: %+v", name, how)
		}
	}
}

// once fails one write of the Lease.
func once(before, after error) func(restore.Request) (error, error) {
	failed := false
	return func(r restore.Request) (error, error) {
		if failed {
			return nil, nil
		}
		failed = true
		return before, after
	}
}

func TestALostAnswerLeavesTheLockWithWhoTookIt(t *testing.T) {
	timeout := apierrors.NewTimeoutError("slow", 0)
	for _, first := range []bool{true, false} {
		c := newFake()
		if !first {
			lock, _ := taken(t, c, alice, c.options())
			_, end := lock.Hold(t.Context())
			if err := end(); err != nil {
				t.Fatal(err)
			}
		}
		c.fault = once(nil, timeout)
		lock, how := taken(t, c, bob, c.options())
		c.pass(time.Minute)
		if err := lock.Confirm(t.Context()); err != nil || how.From != nil {
			t.Errorf("%+v, %v", how, err)
		}
	}
}

var (
	rows   = appbur.AppKey{Namespace: "shop", Name: "rows"}
	intent = Intent{Point: "20261121T030000Z"}
)

func open(t *testing.T, c *fakeCluster, intent Intent, anew bool) *Log {
	t.Helper()
	log, err := Open(t.Context(), c, intent, anew, c.now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func begin(t *testing.T, log *Log, address string) (id string, done *AppRecord) {
	t.Helper()
	id, done, err := log.Begin(t.Context(), rows, address)
	if err != nil {
		t.Fatal(err)
	}
	return id, done
}

func TestAnInterruptedRestoreGoesOnUnderTheSameIDs(t *testing.T) {
	c := newFake()
	first := open(t, c, intent, false)
	id, _ := begin(t, first, "a:1")

	second := open(t, c, Intent{Point: intent.Point, User: "bob"}, false)
	again, done := begin(t, second, "a:1")
	if again != id || done != nil || second.ID() != first.ID() {
		t.Errorf("operation %s became %s, %+v", id, again, done)
	}
	if other, _ := begin(t, second, "b:1"); other == id {
		t.Error("an import into another application has the same id")
	}
	begin(t, second, "a:1")
	if err := second.Imported(t.Context(), rows, "fleet", "2.0"); err != nil {
		t.Fatal(err)
	}

	third := open(t, c, intent, false)
	if _, done = begin(t, third, "a:1"); done == nil || done.App != "fleet" || !done.Imported.Equal(began) {
		t.Errorf("it is imported again: %+v", done)
	}
	if err := third.End(t.Context(), Incomplete); err != nil {
		t.Fatal(err)
	}
	if _, done = begin(t, open(t, c, intent, false), "a:1"); done == nil {
		t.Error("after a failure it is imported again")
	}
}

func TestWhatIsANewRestore(t *testing.T) {
	for name, next := range map[string]struct {
		intent Intent
		anew   bool
		ended  State
		spoil  func(c *fakeCluster)
	}{
		"after one that was complete": {intent: intent, ended: Complete},
		"of another point":            {intent: Intent{Point: "20261121T040000Z"}},
		"of another part":             {intent: Intent{Point: intent.Point, Part: "namespace shop"}},
		"because the user says so":    {intent: intent, anew: true},
		"after a record of nonsense": {intent: intent, spoil: func(c *fakeCluster) {
			c.objects[recordID.String()]["data"] = map[string]any{recordKey: "{"}
		}},
		"after a record of a later release": {intent: intent, spoil: func(c *fakeCluster) {
			c.objects[recordID.String()]["data"] = map[string]any{recordKey: `{"format":2}`}
		}},
		"after a record without data":    {intent: intent, spoil: func(c *fakeCluster) { delete(c.objects[recordID.String()], "data") }},
		"after a record that is deleted": {intent: intent, spoil: func(c *fakeCluster) { clear(c.objects) }},
	} {
		t.Run(name, func(t *testing.T) {
			c := newFake()
			first := open(t, c, intent, false)
			id, _ := begin(t, first, "a:1")
			if err := first.Imported(t.Context(), rows, "fleet", "2.0"); err != nil {
				t.Fatal(err)
			}
			if next.ended != "" {
				if err := first.End(t.Context(), next.ended); err != nil {
					t.Fatal(err)
				}
			}
			if next.spoil != nil {
				next.spoil(c)
			}

			second := open(t, c, next.intent, next.anew)
			if again, done := begin(t, second, "a:1"); again == id || done != nil || second.ID() == first.ID() {
				t.Errorf("it goes on with %s, %+v", again, done)
			}
		})
	}
}

func TestTheRecordIsWrittenThroughTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		fault func(restore.Request) (error, error)
		spoil func(c *fakeCluster)
	}{
		"a busy server":           {fault: once(busy, nil)},
		"a lost answer":           {fault: once(nil, busy)},
		"throttled":               {fault: once(apierrors.NewTooManyRequests("slow down", 0), nil)},
		"deleted in between":      {spoil: func(c *fakeCluster) { clear(c.objects) }},
		"labelled by somebody":    {spoil: func(c *fakeCluster) { dict(c.objects[recordID.String()]["metadata"])["resourceVersion"] = "x" }},
		"an error without a name": {fault: once(&apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusBadGateway}}, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newFake()
			log := open(t, cluster, intent, false)
			cluster.fault = c.fault
			if c.spoil != nil {
				c.spoil(cluster)
			}
			id, _ := begin(t, log, "a:1")
			if again, _ := begin(t, open(t, cluster, intent, false), "a:1"); again != id {
				t.Errorf("the target has %s, not %s", again, id)
			}
		})
	}
}

func TestReadWithoutARecord(t *testing.T) {
	record, err := Read(t.Context(), newFake())
	if err != nil || record != nil || record.Continues(intent) {
		t.Errorf("%+v, %v", record, err)
	}
}
