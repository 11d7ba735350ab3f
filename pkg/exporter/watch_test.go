package exporter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// journal is a handler that records its calls, and the set of saved
// objects that follows from it.
type journal struct {
	mutex sync.Mutex
	lines []string
	saved map[string]bool
	err   error
	// refuses is the name of the objects that cannot be saved.
	refuses string
	// discovered are the kinds that Watch ever said are there.
	discovered map[appbur.GroupKind]bool
}

func (j *journal) note(format string, args ...any) error {
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
	return j.err
}

func (j *journal) Put(_ Type, r manifest.Result) error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if r.Failure != nil || j.refuses != "" && r.Manifest.ID.Name == j.refuses {
		return &appbur.ObjectError{ID: r.Manifest.ID, Err: errors.Join(r.Failure, errors.New("it does not fit"))}
	}
	if j.saved == nil {
		j.saved = make(map[string]bool)
	}
	delete(j.saved, r.Manifest.ID.Path())
	if r.Decision.Saved {
		j.saved[r.Manifest.ID.Path()] = true
	}
	return j.note("put %s %v", r.Manifest.ID, r.Decision.Saved)
}

func (j *journal) Delete(_ Type, id appbur.ObjectID, _ manifest.Revision) error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	delete(j.saved, id.Path())
	return j.note("delete %s", id)
}

func (j *journal) Synced(t Type, c appbur.TypeCoverage, present map[string]struct{}) error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if !j.discovered[t.GroupKind()] {
		return fmt.Errorf("%s is listed, and nobody said that it is there", t)
	}
	for path := range j.saved {
		if _, ok := present[path]; !ok && strings.Contains(path, "/"+strings.ToLower(t.GroupKind().String())+"/") {
			delete(j.saved, path)
		}
	}
	return j.note("synced %s at %s", t, c.ResourceVersion)
}

func (j *journal) Discovered(types []Type) error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if j.discovered == nil {
		j.discovered = make(map[appbur.GroupKind]bool)
	}
	for _, t := range types {
		j.discovered[t.GroupKind()] = true
	}
	return nil
}

func (j *journal) Covered(c appbur.TypeCoverage) error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.note("covered %s: %d failed", c.Resource, c.Failed)
}

func (j *journal) Gone(t Type) error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.note("gone %s", t)
}

func (j *journal) Failed(c appbur.TypeCoverage) error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.note("failed %s: %s", c.Resource, c.Reason)
}

func (j *journal) Holes(groups []appbur.GroupFailure) error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	for _, g := range groups {
		if err := j.note("hole %s", g.GroupVersion); err != nil {
			return err
		}
	}
	return nil
}

// has reports whether a line begins with the text.
func (j *journal) has(prefix string) bool {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return slices.ContainsFunc(j.lines, func(line string) bool { return strings.HasPrefix(line, prefix) })
}

func (j *journal) holds(path string) bool {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.saved[path]
}

func (j *journal) String() string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return strings.Join(j.lines, "\n")
}

// startWatch runs Watch until the test ends and returns its error through wait.
func startWatch(t *testing.T, e *Exporter, h Handler) (wait func() error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Watch(ctx, h) }()
	wait = sync.OnceValue(func() error { return <-done })
	t.Cleanup(func() {
		cancel()
		_ = wait()
	})
	return wait, cancel
}

// eventually polls until the condition holds.
func eventually(t *testing.T, within time.Duration, what string, holds func() bool, state func() string) {
	t.Helper()
	deadline := time.After(within)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("not within %s: %s\n%s", within, what, state())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// quiet holds a watch open until the client leaves.
func quiet(w http.ResponseWriter, r *http.Request) {
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

func TestWatchFollows(t *testing.T) {
	f := newFakeServer(t)
	var mutex sync.Mutex

	var from []string // resourceVersions that watches began at
	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "" {
			listOf(w, "10", "", "a", "b")
			return
		}
		mutex.Lock()
		from = append(from, r.URL.Query().Get("resourceVersion"))
		attempt := len(from)
		mutex.Unlock()
		switch attempt {
		case 1:
			event(w, "ADDED", watched("c", "11"))
			event(w, "BOOKMARK", `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"20"}}`)
			// The connection ends in the middle of an event.
			_, _ = w.Write([]byte(`{"type":"ADDED","obj`))
		case 2:
			event(w, "DELETED", watched("a", "21"))
			event(w, "MODIFIED", strings.Replace(watched("b", "22"), `"namespace"`, `"deletionTimestamp":"2026-11-21T03:02:38Z","namespace"`, 1))
		case 3:
			status(w, http.StatusServiceUnavailable, "ServiceUnavailable", "starting")
		default:
			quiet(w, r)
		}
	})

	var j journal
	wait, stop := startWatch(t, f.exporter(Options{}), &j)
	watches := func() bool { mutex.Lock(); defer mutex.Unlock(); return len(from) >= 4 }
	eventually(t, 5*time.Second, "fourth watch", watches, j.String)
	mutex.Lock()
	if want := []string{"10", "20", "22", "22"}; !slices.Equal(from[:4], want) {
		t.Errorf("watches began at %v, want %v", from, want)
	}
	mutex.Unlock()

	for path, want := range map[string]bool{
		"namespaces/d/configmap/a.yaml": false, "namespaces/d/configmap/b.yaml": false,
		"namespaces/d/configmap/c.yaml": true,
	} {
		if j.holds(path) != want {
			t.Errorf("%s is saved: %v, want %v\n%s", path, !want, want, j.String())
		}
	}

	if j.has("failed") {
		t.Errorf("short interruptions count as failures:\n%s", j.String())
	}
	stop()
	if err := wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Watch returned %v", err)
	}
}

// TestOneOddObjectDoesNotEndTheWatch has objects that cannot be saved in the list and
// among the events. Their files stay, what comes after them arrives, and the coverage
// names them until they can be saved or are gone.
func TestOneOddObjectDoesNotEndTheWatch(t *testing.T) {
	f := newFakeServer(t)
	odd := strings.Replace(watched("odd", "11"), `"namespace"`, `"creationTimestamp":"yesterday","namespace"`, 1)

	next := make(chan struct{})
	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "" {
			listOf(w, "10", "", "a", "refused")
			return
		}
		if r.URL.Query().Get("resourceVersion") == "10" {
			event(w, "ADDED", odd)
			event(w, "ADDED", watched("after", "12"))
			<-next
			event(w, "MODIFIED", watched("odd", "13"))
			event(w, "DELETED", watched("refused", "14"))
		}
		quiet(w, r)
	})

	j := journal{refuses: "refused", saved: map[string]bool{"namespaces/d/configmap/refused.yaml": true}}
	_, _ = startWatch(t, f.exporter(Options{}), &j)
	eventually(t, 5*time.Second, "the object after", func() bool { return j.holds("namespaces/d/configmap/after.yaml") }, j.String)
	if !j.holds("namespaces/d/configmap/refused.yaml") || !j.has("covered configmaps: 2 failed") || j.has("failed") {
		t.Errorf("with odd objects:\n%s", j.String())
	}
	close(next)
	eventually(t, 5*time.Second, "nothing is odd any more", func() bool { return j.has("covered configmaps: 0 failed") }, j.String)
	if !j.holds("namespaces/d/configmap/odd.yaml") {
		t.Errorf("the object that can be saved now:\n%s", j.String())
	}
}

func TestWatchListsAgainWhenTheServerForgets(t *testing.T) {
	for name, forget := range map[string]func(http.ResponseWriter){
		"as an event": func(w http.ResponseWriter) {
			event(w, "ERROR", `{"kind":"Status","code":410,"reason":"Expired","message":"too old"}`)
		},
		"as an answer": func(w http.ResponseWriter) { status(w, http.StatusGone, "Expired", "too old") },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeServer(t)
			var mutex sync.Mutex

			lists := 0
			f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
				mutex.Lock()
				defer mutex.Unlock()

				switch {
				case r.URL.Query().Get("watch") == "" && lists == 0:
					lists++
					listOf(w, "10", "", "a", "b")
				case r.URL.Query().Get("watch") == "":
					lists++
					listOf(w, "30", "", "b")
				case r.URL.Query().Get("resourceVersion") == "10":
					forget(w)
				default:
					mutex.Unlock()
					quiet(w, r)
					mutex.Lock()
				}
			})

			var j journal
			startWatch(t, f.exporter(Options{}), &j)
			eventually(t, 5*time.Second, "second list", func() bool { return j.has("synced configmaps.v1 at 30") }, j.String)
			if j.holds("namespaces/d/configmap/a.yaml") || !j.holds("namespaces/d/configmap/b.yaml") {
				t.Errorf("state after the second list:\n%s", j.String())
			}
		})
	}
}

func TestWatchNoticesSilence(t *testing.T) {
	f := newFakeServer(t)
	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "" {
			listOf(w, "10", "", "a")
			return
		}
		quiet(w, r)
	})
	var j journal
	startWatch(t, f.exporter(Options{Silence: 60 * time.Millisecond}), &j)
	eventually(t, 5*time.Second, "a second watch", func() bool { return f.count("watch=true") >= 2 }, j.String)
	if j.has("failed") {
		t.Errorf("silence counts as failure:\n%s", j.String())
	}
}

// TestWatchReportsAnOutage checks that a type that cannot be read any more is
// reported once for each reason, kept, and listed again when it can be read.
func TestWatchReportsAnOutage(t *testing.T) {
	f := newFakeServer(t)
	var mutex sync.Mutex
	away := false
	setAway := func(v bool) { mutex.Lock(); away = v; mutex.Unlock() }

	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		gone := away
		mutex.Unlock()
		switch {
		case gone:
			status(w, http.StatusForbidden, "Forbidden", "no more")
		case r.URL.Query().Get("watch") == "":
			listOf(w, "10", "", "a")
		}
	})

	var j journal
	e := f.exporter(Options{})
	startWatch(t, e, &j)
	eventually(t, 5*time.Second, "first list", func() bool { return j.has("synced") }, j.String)
	setAway(true)
	eventually(t, 5*time.Second, "failure", func() bool { return j.has("failed configmaps: the account may not read this: no more") },
		j.String)

	if !j.holds("namespaces/d/configmap/a.yaml") {
		t.Errorf("an outage deleted something:\n%s", j.String())
	}
	setAway(false)
	eventually(t, 5*time.Second, "list after the outage", func() bool {
		log := j.String()
		return strings.LastIndex(log, "synced") > strings.LastIndex(log, "failed")
	}, j.String)
	if n := strings.Count(j.String(), "failed"); n != 1 {
		t.Errorf("%d failures reported, want 1:\n%s", n, j.String())
	}
}

func TestWatchReturnsTheErrorOfTheHandler(t *testing.T) {
	f := newFakeServer(t)
	f.on(configMaps, func(w http.ResponseWriter, _ *http.Request) { listOf(w, "10", "", "a") })
	full := errors.New("disk full")
	wait, _ := startWatch(t, f.exporter(Options{}), &journal{err: full})
	if err := wait(); !errors.Is(err, full) {
		t.Errorf("Watch returned %v", err)
	}
}

// TestWatchFindsATypeThatCameBetweenDiscoveryAndList checks that a definition that
// is first seen in a list, and for which there is no event, is noticed.
func TestWatchFindsATypeThatCameBetweenDiscoveryAndList(t *testing.T) {
	f := newFakeServer(t)
	listAndWait := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "" {
			listOf(w, "10", "")
			return
		}
		quiet(w, r)
	}

	f.on(configMaps, listAndWait)
	const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	const definitions = `{"name":"apiextensions.k8s.io","versions":[{"groupVersion":"apiextensions.k8s.io/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apiextensions.k8s.io/v1","version":"v1"}}`
	const things = `{"name":"a.b","versions":[{"groupVersion":"a.b/v1","version":"v1"}],"preferredVersion":{"groupVersion":"a.b/v1","version":"v1"}}`
	f.json("/apis", `{"kind":"APIGroupList","apiVersion":"v1","groups":[`+definitions+`]}`)
	f.json("/apis/apiextensions.k8s.io/v1",
		`{"kind":"APIResourceList","groupVersion":"apiextensions.k8s.io/v1","resources":[{"name":"customresourcedefinitions","kind":"CustomResourceDefinition","verbs":["create","get","list","watch"]}]}`)
	f.json("/apis/a.b/v1",
		`{"kind":"APIResourceList","groupVersion":"a.b/v1","resources":[{"name":"things","namespaced":true,"kind":"Thing","verbs":["create","get","list","watch"]}]}`)
	f.on("/apis/a.b/v1/things", listAndWait)

	f.on(crds, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "" {
			// From the first list on, discovery has the type.
			f.json("/apis", `{"kind":"APIGroupList","apiVersion":"v1","groups":[`+definitions+`,`+things+`]}`)
		}
		listAndWait(w, r)
	})

	var j journal
	startWatch(t, f.exporter(Options{}), &j)
	eventually(t, 5*time.Second, "list of the new type", func() bool { return j.has("synced things.v1.a.b") }, j.String)
}

// thingDefinitionPath is read to see whether the type of customType exists.
const thingDefinitionPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.a.b"

// customType scripts a server with the custom type things.a.b and ConfigMaps.
// changes are the events of its watch.
func customType(f *fakeServer) (changes chan<- string) {
	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "" {
			listOf(w, "10", "")
			return
		}
		quiet(w, r)
	})

	f.json("/apis",
		`{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"a.b","versions":[{"groupVersion":"a.b/v1","version":"v1"}],"preferredVersion":{"groupVersion":"a.b/v1","version":"v1"}}]}`)
	f.json("/apis/a.b/v1",
		`{"kind":"APIResourceList","groupVersion":"a.b/v1","resources":[{"name":"things","namespaced":true,"kind":"Thing","verbs":["create","get","list","watch"]}]}`)
	f.json("/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
		`{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"things.a.b"},"spec":{"group":"a.b","names":{"plural":"things","kind":"Thing"},"versions":[{"name":"v1","served":true,"storage":true}]}}]}`)
	f.json(thingDefinitionPath, `{"metadata":{"name":"things.a.b"}}`)

	events := make(chan string)
	f.on("/apis/a.b/v1/things", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "" {
			listOf(w, "10", "")
			return
		}
		w.(http.Flusher).Flush()
		for {
			select {
			case object := <-events:
				event(w, "ADDED", object)
			case <-r.Context().Done():
				return
			}
		}
	})

	return events
}

// noCustomType makes discovery list no custom type.
func noCustomType(f *fakeServer) {
	f.json("/apis", `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`)
}

// TestWatchNeedsProofThatATypeIsGone checks that a custom type that discovery does
// not list any more is gone only when its definition is.
func TestWatchNeedsProofThatATypeIsGone(t *testing.T) {
	f := newFakeServer(t)
	customType(f)
	var j journal
	startWatch(t, f.exporter(Options{Rediscover: 20 * time.Millisecond}), &j)
	eventually(t, 5*time.Second, "list of the custom type", func() bool { return j.has("synced things.v1.a.b") }, j.String)

	noCustomType(f)
	before := f.count(thingDefinitionPath)
	eventually(t, 5*time.Second, "question for the definition", func() bool { return f.count(thingDefinitionPath) > before+1 }, j.String)
	if j.has("gone") {
		t.Fatalf("a hole in discovery was taken for a deletion:\n%s", j.String())
	}
	f.on(thingDefinitionPath, func(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusNotFound, "NotFound", "not found") })
	eventually(t, 5*time.Second, "gone", func() bool { return j.has("gone things.v1.a.b") }, j.String)
}

// TestWatchNeedsProofForATypeThatRulesLeaveOut checks the same of a built-in type that is
// not saved: an API server that starts may leave its group out of discovery.
func TestWatchNeedsProofForATypeThatRulesLeaveOut(t *testing.T) {
	const groups = `{"kind":"APIGroupList","apiVersion":"v1","groups":[%s]}`
	const leases = `{"name":"coordination.k8s.io","versions":[{"groupVersion":"coordination.k8s.io/v1","version":"v1"}],` +
		`"preferredVersion":{"groupVersion":"coordination.k8s.io/v1","version":"v1"}}`
	f := newFakeServer(t)
	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "" {
			listOf(w, "10", "")
			return
		}
		quiet(w, r)
	})
	f.json("/apis", fmt.Sprintf(groups, leases))
	f.json("/apis/coordination.k8s.io/v1", `{"kind":"APIResourceList","groupVersion":"coordination.k8s.io/v1","resources":[
		{"name":"leases","namespaced":true,"kind":"Lease","verbs":["create","get","list","watch"]}]}`)
	f.json("/apis/apiregistration.k8s.io/v1/apiservices", `{"metadata":{"resourceVersion":"1"},"items":[
		{"metadata":{"name":"v1."},"spec":{"version":"v1"}},{"metadata":{"name":"v1.coordination.k8s.io"},"spec":{"group":"coordination.k8s.io","version":"v1"}}]}`)
	var j journal
	startWatch(t, f.exporter(Options{Rediscover: 20 * time.Millisecond}), &j)
	eventually(t, 5*time.Second, "the type", func() bool { return j.has("synced leases.v1.coordination.k8s.io") }, j.String)

	f.json("/apis", fmt.Sprintf(groups, ""))
	before := f.count("/apis/apiregistration.k8s.io/v1/apiservices")
	eventually(t, 5*time.Second, "questions for a proof",
		func() bool { return f.count("/apis/apiregistration.k8s.io/v1/apiservices") > before+3 || j.has("gone") }, j.String)
	if j.has("gone") {
		t.Errorf("a hole in discovery was taken for a deletion:\n%s", j.String())
	}
}

// TestWatchKeepsATypeThatCameAgain checks that a type is not reported as gone with
// objects that its watch saw after the proof: it was defined again in between.
func TestWatchKeepsATypeThatCameAgain(t *testing.T) {
	f := newFakeServer(t)
	changes := customType(f)
	var j journal
	startWatch(t, f.exporter(Options{Rediscover: 20 * time.Millisecond}), &j)
	eventually(t, 5*time.Second, "list of the custom type", func() bool { return j.has("synced things.v1.a.b") }, j.String)

	var proof sync.Once
	f.on(thingDefinitionPath, func(w http.ResponseWriter, _ *http.Request) {
		again := true
		proof.Do(func() {
			again = false
			changes <- `{"apiVersion":"a.b/v1","kind":"Thing",` + configMap("new", "11")[1:]
			eventually(t, 5*time.Second, "the new object", func() bool { return j.has("put Thing.a.b/d/new true") }, j.String)
			status(w, http.StatusNotFound, "NotFound", "not found")
		})
		if again {
			fmt.Fprint(w, `{"metadata":{"name":"things.a.b"}}`)
		}
	})
	noCustomType(f)
	eventually(t, 5*time.Second, "another list of the type", func() bool { return strings.Count(j.String(), "synced things.v1.a.b") > 1 },
		j.String)
	if j.has("gone") {
		t.Errorf("a proof from before the type came again removed it:\n%s", j.String())
	}
}
