package exporter

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/manifest"
)

// fakeServer is an API server whose answers a test scripts. Real servers are in
// the integration tests; this one does what they do too rarely: forget lists,
// refuse, break connections.
type fakeServer struct {
	t      testing.TB
	server *httptest.Server

	mutex sync.Mutex
	// routes answer requests by path.
	routes map[string]http.HandlerFunc
	uris   []string
}

func newFakeServer(t testing.TB) *fakeServer {
	f := &fakeServer{t: t, routes: make(map[string]http.HandlerFunc)}
	f.server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.server.Close)
	f.json("/version", `{"gitVersion":"v1.30.4-gke.100"}`)
	f.json("/api", `{"kind":"APIVersions","versions":["v1"]}`)
	f.json("/apis", `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`)
	f.json("/api/v1", `{"kind":"APIResourceList","groupVersion":"v1","resources":[
		{"name":"configmaps","singularName":"configmap","namespaced":true,"kind":"ConfigMap","verbs":["create","get","list","watch"],"shortNames":["cm"]}]}`)
	f.json("/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
		`{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}`)
	return f
}

func (f *fakeServer) serve(w http.ResponseWriter, r *http.Request) {
	f.mutex.Lock()
	handler, ok := f.routes[r.URL.Path]
	f.uris = append(f.uris, r.URL.RequestURI())
	f.mutex.Unlock()
	if !ok {
		status(w, http.StatusNotFound, "NotFound", "no such path")
		return
	}
	handler(w, r)
}

// on scripts the answers to a path.
func (f *fakeServer) on(path string, handler http.HandlerFunc) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.routes[path] = handler
}

func (f *fakeServer) json(path, body string) {
	f.on(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	})
}

// count returns how many requests contain the text.
func (f *fakeServer) count(text string) int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	n := 0
	for _, uri := range f.uris {
		if strings.Contains(uri, text) {
			n++
		}
	}
	return n
}

func (f *fakeServer) exporter(opts Options) *Exporter {
	f.t.Helper()
	e, err := New(&rest.Config{Host: f.server.URL}, manifest.Default(), opts)
	if err != nil {
		f.t.Fatal(err)
	}
	short := backoff.Backoff{First: time.Millisecond, Most: 20 * time.Millisecond, Tries: 4}
	e.timing = timing{
		request: short, relist: short, rediscover: short, reconnect: short, outage: 200 * time.Millisecond, away: 20 * time.Millisecond,
		brief: 50 * time.Millisecond, replaced: 50 * time.Millisecond, afterChange: []time.Duration{time.Millisecond, 5 * time.Millisecond},
	}
	return e
}

func status(w http.ResponseWriter, code int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
		"message": message,
	})
}

// listOf writes a list of ConfigMaps of these names.
func listOf(w http.ResponseWriter, version, next string, names ...string) {
	items := make([]string, len(names))
	for i, name := range names {
		items[i] = configMap(name, version)
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":%q,"continue":%q},"items":[%s]}`, version, next,
		strings.Join(items, ","))
}

func configMap(name, version string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"d","uid":"u-%s","resourceVersion":%q},"data":{"a":"b"}}`, name, name, version)
}

// event writes one watch event and sends it at once.
func event(w http.ResponseWriter, kind, object string) {
	fmt.Fprintf(w, `{"type":%q,"object":%s}`+"\n", kind, object)
	w.(http.Flusher).Flush()
}

func watched(name, version string) string {
	return `{"apiVersion":"v1","kind":"ConfigMap",` + configMap(name, version)[1:]
}
