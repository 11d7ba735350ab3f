//go:build integration

package capture_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/faultproxy"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

// rounds is how many captures of one random schedule are made; APPBUR_ROUNDS and
// APPBUR_SEED change that.
const rounds = 15

// TestNoFileGoesBeforeItsObject makes captures under random faults, while objects and
// definitions come and go on the server. After each capture, every file that has
// gone belongs to an object that has gone; after a last one without faults, the
// repository holds what a new one would.
func TestNoFileGoesBeforeItsObject(t *testing.T) {
	for i, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel() // the clusters have nothing in common
			seed := number(t, "APPBUR_SEED", uint64(time.Now().UnixNano()))
			t.Logf("APPBUR_SEED=%d repeats the schedule", seed)
			w := newWorld(t, version, faultproxy.Protocol(i%2 == 0))

			s := newSchedule(w, seed, fmt.Sprintf("random%d", i))
			for round := range int(number(t, "APPBUR_ROUNDS", rounds)) {
				if s.round(round); t.Failed() {
					return
				}
			}

			w.proxy.Set()
			w.equalsFresh()
			t.Logf("%d captures with holes, %d whole, %d impossible; %d files went", s.partly, s.whole, s.failed, s.gone)
			if s.partly == 0 || s.gone == 0 {
				t.Error("the schedule tried nothing")
			}
		})
	}
}

func number(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// schedule is a random sequence of changes and faults.
type schedule struct {
	*world
	random    *rand.Rand
	namespace string
	next      int

	partly, whole, failed, gone int

	mu sync.Mutex
	// alive are the objects that exist, by path; dead are all that ever were deleted.
	alive map[string]live
	dead  map[string]bool
	// defined is true while the kind of widgets is.
	defined bool
}

// live is where an object is on the server.
type live struct {
	gvr             schema.GroupVersionResource
	namespace, name string
}

func newSchedule(w *world, seed uint64, namespace string) *schedule {
	w.Helper()
	s := &schedule{world: w, random: rand.New(rand.NewPCG(seed, 1)), namespace: namespace, alive: map[string]live{}, dead: map[string]bool{}}
	w.create("namespaces", object("v1", "Namespace", "", namespace, nil))
	s.define()
	for range 24 {
		s.born()
	}
	w.mustBackup(w.archive)
	return s
}

const widgetsFile = "cluster/customresourcedefinition.apiextensions.k8s.io/widgets.example.org.yaml"

func (s *schedule) define() {
	s.defineWidgets()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.defined = true
	s.alive[widgetsFile] = live{gvr: definitions, name: "widgets.example.org"}
}

// undefine deletes the kind of widgets with all its objects, those that other tests
// left on the server included.
func (s *schedule) undefine() {
	saved := s.tree(s)
	s.mu.Lock()
	for path := range saved {
		if strings.Contains(path, "/widget.example.org/") {
			s.dead[path] = true
		}
	}
	s.defined = false
	for path, object := range s.alive {
		if object.gvr == widgets || path == widgetsFile {
			delete(s.alive, path)
			s.dead[path] = true
		}
	}
	s.mu.Unlock()
	s.undefineWidgets()
}

// born creates an object of any kind, with a name that was never used.
func (s *schedule) born() {
	s.next++
	name := fmt.Sprintf("o%d", s.next)
	kinds := []func() (schema.GroupVersionResource, map[string]any){
		func() (schema.GroupVersionResource, map[string]any) { return configMaps, configMap(s.namespace, name) },
		func() (schema.GroupVersionResource, map[string]any) { return secrets, secret(s.namespace, name) },
		func() (schema.GroupVersionResource, map[string]any) {
			return deployments, deployment(s.namespace, name)
		},
		func() (schema.GroupVersionResource, map[string]any) { return roles, role(s.namespace + "-" + name) },
		func() (schema.GroupVersionResource, map[string]any) { return widgets, widget(s.namespace, name) },
	}

	gvr, content := kinds[s.random.IntN(len(kinds))]()
	if gvr == widgets && !s.defined {
		return
	}
	s.create(gvr.Resource, content)
	id, err := manifest.IDOf(content)
	if err != nil {
		s.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive[id.Path()] = live{gvr, id.Namespace, id.Name}
}

// dies deletes any object but the definition.
func (s *schedule) dies() {
	s.mu.Lock()
	paths := slices.DeleteFunc(slices.Sorted(maps.Keys(s.alive)), func(path string) bool { return path == widgetsFile })
	if len(paths) == 0 {
		s.mu.Unlock()
		return
	}
	path := paths[s.random.IntN(len(paths))]
	object := s.alive[path]
	delete(s.alive, path)
	s.dead[path] = true
	s.mu.Unlock()
	s.remove(object.gvr, object.namespace, object.name)
}

// change makes a few changes on the server.
func (s *schedule) change() {
	for range s.random.IntN(4) {
		switch {
		case s.random.IntN(2) == 0:
			s.born()
		default:
			s.dies()
		}
	}
	if s.random.IntN(6) == 0 {
		if s.defined {
			s.undefine()
		} else {
			s.define()
		}
	}
}

// fault picks one thing that goes wrong on the way to the server.
func (s *schedule) fault() (string, faultproxy.Rule) {
	pick := func(names ...string) string { return names[s.random.IntN(len(names))] }
	lists := map[string]faultproxy.Match{"lists": faultproxy.Lists, "later pages": faultproxy.All(faultproxy.Lists, faultproxy.Continued)}
	for _, resource := range []string{
		"configmaps", "secrets", "deployments", "clusterroles", "widgets", "customresourcedefinitions",
		"apiservices", "namespaces",
	} {
		lists["lists of "+resource] = faultproxy.List(resource)
	}

	answers := map[string]faultproxy.Fault{
		"forbidden": faultproxy.Status(http.StatusForbidden, "Forbidden", "no"),
		"not found": faultproxy.Status(http.StatusNotFound, "NotFound", "no such path"),
		"429":       faultproxy.TooManyRequests(0), "500": faultproxy.Status(500, "InternalError", "boom"), "503": faultproxy.Unavailable(),
		"410": faultproxy.Expired(), "reset": faultproxy.Reset(), "broken off": faultproxy.BreakOff(), "truncated": faultproxy.Truncate(),
		"garbage": faultproxy.Garbage(), "an empty object": faultproxy.Answer("application/json", `{}`),
	}

	discovery := map[string]faultproxy.Fault{}
	for _, group := range []string{"", "apps", "example.org", "apiextensions.k8s.io", "apiregistration.k8s.io", "rbac.authorization.k8s.io"} {
		discovery["loses group "+group] = faultproxy.LoseGroups(group)
	}
	for _, resource := range []string{"configmaps", "deployments", "clusterroles", "widgets", "secrets"} {
		discovery["loses "+resource] = faultproxy.LoseResources(resource)
	}

	switch s.random.IntN(4) {
	case 0:
		// A capture reads discovery once: what is to be missed must be missing always.
		what := pick(slices.Sorted(maps.Keys(discovery))...)
		return "discovery " + what, faultproxy.Rule{Match: faultproxy.Discovery, Fault: discovery[what]}
	case 1:
		where := pick("/api", "/apis", "/api/v1", "/apis/apps/v1", "/apis/example.org/v1")
		what := pick(slices.Sorted(maps.Keys(answers))...)
		return "discovery " + where + ": " + what, faultproxy.Rule{Match: faultproxy.Path(where), Times: s.random.IntN(3), Fault: answers[what]}
	}

	rule := faultproxy.Rule{After: s.random.IntN(3), Times: s.random.IntN(4)}
	where := pick(slices.Sorted(maps.Keys(lists))...)
	what := pick(slices.Sorted(maps.Keys(answers))...)
	rule.Match, rule.Fault = lists[where], answers[what]
	return where + ": " + what, rule
}

// round changes the server, makes one capture under faults while the server changes
// on, and looks at what has gone.
func (s *schedule) round(round int) {
	s.Helper()
	s.change()
	before := s.tree(s)
	var names []string

	var script []faultproxy.Rule
	for range 1 + s.random.IntN(3) {
		name, rule := s.fault()
		names, script = append(names, fmt.Sprintf("%s (after %d, times %d)", name, rule.After, rule.Times)), append(script, rule)
	}

	if s.random.IntN(3) == 0 {
		// The server changes in the middle of the capture, before one of its requests.
		script = append([]faultproxy.Rule{{
			Match: faultproxy.Lists, After: s.random.IntN(40), Times: 1,
			Fault: func(response http.ResponseWriter, r *http.Request, forward http.Handler) {
				s.change()
				forward.ServeHTTP(response, r)
			},
		}}, script...)
		names = append(names, "with changes in the middle")
	}

	s.proxy.Set(script...)
	coverage, err := s.backup(s.proxy.RESTConfig(), s.archive)
	s.proxy.Set()

	switch {
	case err != nil:
		s.failed++
	case coverage.Complete():
		s.whole++
	default:
		s.partly++
	}

	s.explained(coverage)
	after := s.tree(s)
	truth := s.truth()
	s.mu.Lock()
	defer s.mu.Unlock()

	for path := range s.alive {
		if !truth[path] {
			s.Fatalf("round %d: %s was created, was not deleted, and is not on the server", round, path)
		}
	}

	for path := range before {
		if _, kept := after[path]; kept {
			continue
		}
		// The definition has one name for all its lives; the others have one life.
		if truth[path] && (path != widgetsFile || !s.dead[path]) {
			s.Errorf("round %d: %s is gone, its object is not: %s%s", round, path, strings.Join(names, "; "), holes(coverage))
		}
		s.gone++
	}
}

// explained checks that whatever was not read has a reason.
func (s *schedule) explained(coverage appbur.Coverage) {
	for _, t := range coverage.Types {
		if !t.Complete && t.Reason == "" {
			s.Errorf("the coverage does not say why %s was not read", t.GroupKind())
		}
	}
	for _, g := range coverage.Groups {
		if g.Reason == "" {
			s.Errorf("the coverage does not say why %s was not discovered", g.GroupVersion)
		}
	}
}

// truth returns the paths of all objects that would be saved, read from the server
// directly.
func (s *schedule) truth() map[string]bool {
	s.Helper()
	var mu sync.Mutex
	paths := map[string]bool{}
	source := s.exporter(s.cluster.RESTConfig())
	s.eventually("a capture without holes", func() error {
		clear(paths)
		coverage, err := source.Capture(s.ctx, func(_ exporter.Type, result manifest.Result) error {
			mu.Lock()
			defer mu.Unlock()
			paths[result.Manifest.ID.Path()] = result.Decision.Saved
			return nil
		})
		if err == nil && !coverage.Complete() {
			err = fmt.Errorf("it has holes:%s", holes(coverage))
		}
		return err
	})
	return paths
}
