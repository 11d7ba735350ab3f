package exporter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

const configMaps = "/api/v1/configmaps"

// recorder remembers the last result of each object, and all of them.
type recorder struct {
	mutex sync.Mutex
	last  map[string]manifest.Result
	rules []string
}

func (r *recorder) emit(_ Type, result manifest.Result) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.last == nil {
		r.last = make(map[string]manifest.Result)
	}
	r.last[result.Manifest.ID.String()] = result
	r.rules = append(r.rules, result.Decision.Rule)
	return nil
}

func (r *recorder) saved() []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var ids []string
	for id, result := range r.last {
		if result.Decision.Saved {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func coverageOf(t *testing.T, c appbur.Coverage, kind string) appbur.TypeCoverage {
	t.Helper()
	for _, each := range c.Types {
		if each.Kind == kind {
			return each
		}
	}
	t.Fatalf("coverage has no %s: %+v", kind, c)
	return appbur.TypeCoverage{}
}

func TestCapturePages(t *testing.T) {
	f := newFakeServer(t)
	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("limit") != "2" {
			t.Errorf("limit %s", r.URL.Query().Get("limit"))
		}
		switch r.URL.Query().Get("continue") {
		case "":
			listOf(w, "7", "second", "a", "b")
		case "second":
			listOf(w, "7", "", "c", "kube-root-ca.crt")
		}
	})

	var got recorder
	coverage, err := f.exporter(Options{PageSize: 2}).Capture(t.Context(), got.emit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ConfigMap/d/a", "ConfigMap/d/b", "ConfigMap/d/c"}, got.saved()); diff != "" {
		t.Errorf("saved (-want +got):\n%s", diff)
	}

	want := appbur.Coverage{Types: []appbur.TypeCoverage{{
		Version: "v1", Resource: "configmaps", Kind: "ConfigMap", Namespaced: true,
		Complete: true, ResourceVersion: "7", Saved: 3, Excluded: 1,
	}}}
	if diff := cmp.Diff(want, coverage); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
}

func TestCaptureBeginsAgainWhenTheServerForgets(t *testing.T) {
	f := newFakeServer(t)
	forgotten := false
	f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Query().Get("continue") == "" && !forgotten:
			listOf(w, "7", "second", "a", "deleted-meanwhile")
		case r.URL.Query().Get("continue") == "":
			listOf(w, "9", "second", "a")
		case !forgotten:
			forgotten = true
			status(w, http.StatusGone, "Expired", "the provided continue parameter is too old")
		default:
			listOf(w, "9", "", "b")
		}
	})

	var got recorder
	coverage, err := f.exporter(Options{}).Capture(t.Context(), got.emit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ConfigMap/d/a", "ConfigMap/d/b"}, got.saved()); diff != "" {
		t.Errorf("saved (-want +got):\n%s", diff)
	}
	if rule := got.last["ConfigMap/d/deleted-meanwhile"].Decision.Rule; rule != RuleDeletedWhileReading {
		t.Errorf("the deleted object was not withdrawn: rule %q", rule)
	}
	if c := coverageOf(t, coverage, "ConfigMap"); !c.Complete || c.ResourceVersion != "9" || c.Saved != 2 {
		t.Errorf("coverage %+v", c)
	}
}

func TestCaptureSurvivesWhatFails(t *testing.T) {
	f := newFakeServer(t)
	f.json("/api/v1", `{"kind":"APIResourceList","groupVersion":"v1","resources":[
		{"name":"configmaps","namespaced":true,"kind":"ConfigMap","verbs":["create","get","list","watch"]},
		{"name":"secrets","namespaced":true,"kind":"Secret","verbs":["create","get","list","watch"]},
		{"name":"services","namespaced":true,"kind":"Service","verbs":["create","get","list","watch"]},
		{"name":"events","namespaced":true,"kind":"Event","verbs":["create","get","list","watch"]},
		{"name":"componentstatuses","kind":"ComponentStatus","verbs":["get","list"]},
		{"name":"pods/log","namespaced":true,"kind":"Pod","verbs":["create","get","list"]}]}`)

	f.json("/apis", `{"kind":"APIGroupList","apiVersion":"v1","groups":[
		{"name":"broken.example.org","versions":[{"groupVersion":"broken.example.org/v1","version":"v1"}],"preferredVersion":{"groupVersion":"broken.example.org/v1","version":"v1"}}]}`)
	f.on("/apis/broken.example.org/v1", func(w http.ResponseWriter, _ *http.Request) {
		status(w, http.StatusServiceUnavailable, "ServiceUnavailable", "no endpoints")
	})

	tries := 0
	f.on(configMaps, func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries < 3 {
			status(w, []int{http.StatusTooManyRequests, http.StatusInternalServerError}[tries-1], "", "busy")
			return
		}
		listOf(w, "7", "", "a")
	})

	f.on("/api/v1/secrets", func(w http.ResponseWriter, _ *http.Request) {
		status(w, http.StatusForbidden, "Forbidden", "secrets is forbidden:\nno")
	})
	f.on("/api/v1/services", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	var got recorder

	coverage, err := f.exporter(Options{}).Capture(t.Context(), got.emit)
	if err != nil {
		t.Fatal(err)
	}
	if coverage.Complete() {
		t.Error("coverage is complete")
	}
	if len(coverage.Types) != 4 {
		t.Errorf("types: %+v", coverage.Types)
	}

	if c := coverageOf(t, coverage, "ConfigMap"); !c.Complete || c.Saved != 1 {
		t.Errorf("busy type: %+v", c)
	}
	if c := coverageOf(t, coverage, "Secret"); c.Complete || c.Reason != "the account may not read this: secrets is forbidden: no" {
		t.Errorf("forbidden type: %+v", c)
	}

	if c := coverageOf(t, coverage, "Service"); c.Complete || !strings.Contains(c.Reason, "the answer is no list") {
		t.Errorf("garbled type: %+v", c)
	}
	if c := coverageOf(t, coverage, "Event"); !c.Complete || !strings.Contains(c.Reason, "exclude-events") || f.count("/api/v1/events") > 0 {
		t.Errorf("excluded type: %+v", c)
	}
	if len(coverage.Groups) != 1 || coverage.Groups[0].GroupVersion != "broken.example.org/v1" {
		t.Errorf("groups: %+v", coverage.Groups)
	}
}

func TestCaptureErrors(t *testing.T) {
	t.Run("nothing can be read", func(t *testing.T) {
		f := newFakeServer(t)
		f.on(configMaps, func(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusForbidden, "Forbidden", "no") })
		coverage, err := f.exporter(Options{}).Capture(t.Context(), (&recorder{}).emit)
		if !errors.Is(err, ErrForbidden) || appbur.HintOf(err) == "" || len(coverage.Types) != 1 {
			t.Errorf("error %v with coverage %+v", err, coverage)
		}
	})

	t.Run("emit fails", func(t *testing.T) {
		f := newFakeServer(t)
		f.on(configMaps, func(w http.ResponseWriter, _ *http.Request) { listOf(w, "7", "more", "a", "b", "c") })
		full := errors.New("disk full")
		if _, err := f.exporter(Options{}).Capture(t.Context(), func(Type, manifest.Result) error { return full }); !errors.Is(err, full) {
			t.Errorf("error %v", err)
		}
	})

	t.Run("context ends", func(t *testing.T) {
		f := newFakeServer(t)
		ctx, cancel := context.WithCancel(t.Context())
		f.on(configMaps, func(w http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})
		if _, err := f.exporter(Options{}).Capture(ctx, (&recorder{}).emit); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})

	t.Run("unauthorized", func(t *testing.T) {
		f := newFakeServer(t)
		f.on("/version", func(w http.ResponseWriter, _ *http.Request) {
			status(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
		})
		if _, err := f.exporter(Options{}).Cluster(t.Context()); !errors.Is(err, ErrUnauthorized) || appbur.HintOf(err) == "" {
			t.Errorf("error %v", err)
		}
	})

	t.Run("unreachable", func(t *testing.T) {
		f := newFakeServer(t)
		e := f.exporter(Options{})
		f.server.Close()
		if _, err := e.Cluster(t.Context()); !errors.Is(err, ErrUnreachable) || appbur.HintOf(err) == "" {
			t.Errorf("Cluster: %v", err)
		}
		if _, err := e.Capture(t.Context(), (&recorder{}).emit); !errors.Is(err, ErrUnreachable) {
			t.Errorf("Capture: %v", err)
		}
		if err := e.Watch(t.Context(), nil); !errors.Is(err, ErrUnreachable) {
			t.Errorf("Watch: %v", err)
		}
	})

	t.Run("no API server", func(t *testing.T) {
		f := newFakeServer(t)
		f.on("/version", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
		if _, err := f.exporter(Options{}).Cluster(t.Context()); err == nil || appbur.HintOf(err) == "" {
			t.Errorf("error %v", err)
		}
	})
}

func TestClusterIsReadFromKubeSystemAndVersion(t *testing.T) {
	f := newFakeServer(t)
	f.json("/api/v1/namespaces/kube-system", `{"metadata":{"name":"kube-system","uid":"u-1"}}`)
	got, err := f.exporter(Options{}).Cluster(t.Context())
	want := appbur.Cluster{ID: "u-1", Version: appbur.KubeVersion{Major: 1, Minor: 30, Patch: 4}}
	if err != nil || got != want {
		t.Errorf("Cluster = %+v, %v; want %+v", got, err, want)
	}
}

// TestOneOddObjectCostsNothingElse has an object that no manifest can be made of, one
// that the receiver cannot save and one without a name.
func TestOneOddObjectCostsNothingElse(t *testing.T) {
	odd := strings.Replace(configMap("odd", "3"), `"namespace"`, `"creationTimestamp":"yesterday","namespace"`, 1)
	list := func(items ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[%s]}`, strings.Join(items, ","))
		}
	}
	refused := func(_ Type, result manifest.Result) error {
		if result.Manifest.ID.Name == "refused" {
			return fmt.Errorf("put: %w", &appbur.ObjectError{ID: result.Manifest.ID, Err: errors.New("it does not fit")})
		}
		return nil
	}
	f := newFakeServer(t)
	f.on(configMaps, list(configMap("a", "1"), odd, configMap("refused", "2"), configMap("kube-root-ca.crt", "4")))
	coverage, err := f.exporter(Options{}).Capture(t.Context(), refused)
	if err != nil {
		t.Fatal(err)
	}
	c := coverageOf(t, coverage, "ConfigMap")
	if coverage.Complete() || !c.Complete || c.Saved != 1 || c.Excluded != 1 || c.Failed != 2 || len(c.Unsaved) != 2 {
		t.Fatalf("coverage %+v", c)
	}
	if c.Unsaved[0].Name != "odd" || c.Unsaved[0].Namespace != "d" || !strings.Contains(c.Unsaved[0].Reason, "creationTimestamp") {
		t.Errorf("the odd object: %+v", c.Unsaved[0])
	}
	if c.Unsaved[1].Name != "refused" || c.Unsaved[1].Reason != "it does not fit" {
		t.Errorf("the refused object: %+v", c.Unsaved[1])
	}

	f.on(configMaps, list(configMap("a", "1"), `{"metadata":{}}`))
	coverage, _ = f.exporter(Options{}).Capture(t.Context(), refused)
	if c = coverageOf(t, coverage, "ConfigMap"); c.Complete || c.Saved != 1 {
		t.Errorf("with an object without a name: %+v", c)
	}
}

// TestMakeOneSurvivesTheRules has rules that fail in an unexpected way.
func TestMakeOneSurvivesTheRules(t *testing.T) {
	var rules *manifest.Rules
	result, err := makeOne(rules, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}})
	if err != nil || result.Failure == nil || result.Manifest.ID.Name != "a" || result.Decision.Saved {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestUndiscovered checks that a custom resource that should be served and is not
// listed is a hole, not an absence.
func TestUndiscovered(t *testing.T) {
	f := newFakeServer(t)
	f.on(configMaps, func(w http.ResponseWriter, _ *http.Request) { listOf(w, "7", "") })
	f.json("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", `{"metadata":{"resourceVersion":"1"},"items":[
		{"metadata":{"name":"things.a.b"},"spec":{"group":"a.b","names":{"plural":"things","kind":"Thing"},"versions":[{"name":"v1","served":true,"storage":true}]},
		 "status":{"conditions":[{"type":"Established","status":"True"}]}},
		{"metadata":{"name":"news.a.b"},"spec":{"group":"a.b","names":{"plural":"news","kind":"New"},"versions":[{"name":"v1","served":true,"storage":true}]}}]}`)
	coverage, err := f.exporter(Options{}).Capture(t.Context(), (&recorder{}).emit)
	if err != nil {
		t.Fatal(err)
	}
	groups := make(map[string]bool)
	for _, g := range coverage.Groups {
		groups[g.GroupVersion] = true
	}
	if diff := cmp.Diff([]string{"a.b/v1"}, slices.Collect(maps.Keys(groups))); diff != "" {
		t.Errorf("holes (-want +got):\n%s", diff)
	}
}

// TestCaptureLeavesOutATypeThatIsDeletedMeanwhile checks that a definition that is
// deleted between discovery and the list leaves no hole.
func TestCaptureLeavesOutATypeThatIsDeletedMeanwhile(t *testing.T) {
	f := newFakeServer(t)
	f.on(configMaps, func(w http.ResponseWriter, _ *http.Request) { listOf(w, "7", "") })
	f.json("/apis",
		`{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"a.b","versions":[{"groupVersion":"a.b/v1","version":"v1"}],"preferredVersion":{"groupVersion":"a.b/v1","version":"v1"}}]}`)
	f.json("/apis/a.b/v1",
		`{"kind":"APIResourceList","groupVersion":"a.b/v1","resources":[{"name":"things","namespaced":true,"kind":"Thing","verbs":["create","get","list","watch"]}]}`)
	f.json("/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
		`{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"things.a.b"},"spec":{"group":"a.b","names":{"plural":"things","kind":"Thing"},"versions":[{"name":"v1","served":true,"storage":true}]}}]}`)
	coverage, err := f.exporter(Options{}).Capture(t.Context(), (&recorder{}).emit)
	if err != nil {
		t.Fatal(err)
	}
	if !coverage.Complete() || len(coverage.Types) != 1 {
		t.Errorf("coverage %+v", coverage)
	}
}
