package exporter

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/appbur/appbur/internal/faultproxy"
	"github.com/appbur/appbur/pkg/manifest"
)

// proxied returns an exporter that reaches the server through a proxy.
func (f *fakeServer) proxied(protocol faultproxy.Protocol, opts Options) (*faultproxy.Proxy, *Exporter) {
	f.t.Helper()
	proxy := faultproxy.New(f.t, &rest.Config{Host: f.server.URL}, protocol)
	e, err := New(proxy.RESTConfig(), manifest.Default(), opts)
	if err != nil {
		f.t.Fatal(err)
	}
	e.timing = f.exporter(opts).timing
	return proxy, e
}

// TestPassingFaultsAreWaitedOut checks on both protocols that what can go wrong with
// one answer costs nothing when the next is good, and that coverage says in words
// what went wrong when it is not.
func TestPassingFaultsAreWaitedOut(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	for name, tt := range map[string]struct {
		fault  func(*faultproxy.Proxy) faultproxy.Fault
		reason string
	}{
		"overload":     {func(*faultproxy.Proxy) faultproxy.Fault { return faultproxy.TooManyRequests(0) }, "too many requests"},
		"internal":     {func(*faultproxy.Proxy) faultproxy.Fault { return faultproxy.Status(500, "InternalError", "boom") }, "boom"},
		"unavailable":  {func(*faultproxy.Proxy) faultproxy.Fault { return faultproxy.Unavailable() }, "unable to handle the request"},
		"reset":        {func(*faultproxy.Proxy) faultproxy.Fault { return faultproxy.Reset() }, "the connection broke"},
		"broken off":   {func(*faultproxy.Proxy) faultproxy.Fault { return faultproxy.BreakOff() }, "the connection broke"},
		"truncated":    {func(*faultproxy.Proxy) faultproxy.Fault { return faultproxy.Truncate() }, "the answer is no list"},
		"garbage":      {func(*faultproxy.Proxy) faultproxy.Fault { return faultproxy.Garbage() }, "the answer is no list"},
		"hang":         {func(p *faultproxy.Proxy) faultproxy.Fault { return p.Hang() }, "the server did not answer in time"},
		"empty object": {func(*faultproxy.Proxy) faultproxy.Fault { return faultproxy.Answer("application/json", `{}`) }, "it has no metadata"},
		"no version": {func(*faultproxy.Proxy) faultproxy.Fault {
			return faultproxy.Answer("application/json", `{"metadata":{},"items":[]}`)
		}, "resourceVersion"},
		"no items": {func(*faultproxy.Proxy) faultproxy.Fault {
			return faultproxy.Answer("application/json", `{"metadata":{"resourceVersion":"1"}}`)
		}, "it has no items"},
		"status as 200": {func(*faultproxy.Proxy) faultproxy.Fault {
			return faultproxy.Answer("application/json", `{"kind":"Status","metadata":{"resourceVersion":"1"},"items":[]}`)
		}, "but a Status"},
	} {
		for protocol, label := range map[faultproxy.Protocol]string{faultproxy.HTTP1: "HTTP1", faultproxy.HTTP2: "HTTP2"} {
			t.Run(name+"/"+label, func(t *testing.T) {
				f := newFakeServer(t)
				f.json("/api/v1", `{"kind":"APIResourceList","groupVersion":"v1","resources":[
					{"name":"configmaps","namespaced":true,"kind":"ConfigMap","verbs":["create","get","list","watch"]},
					{"name":"services","namespaced":true,"kind":"Service","verbs":["create","get","list","watch"]}]}`)
				f.on(configMaps, func(w http.ResponseWriter, _ *http.Request) { listOf(w, "7", "", "a") })
				f.json("/api/v1/services", `{"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":null}`)
				proxy, e := f.proxied(protocol, Options{Timeout: 500 * time.Millisecond})
				match := faultproxy.List("configmaps")

				proxy.Set(faultproxy.Rule{Match: match, Times: 1, Fault: tt.fault(proxy)})
				coverage, err := e.Capture(t.Context(), (&recorder{}).emit)
				if err != nil || !coverage.Complete() || coverage.Saved() != 1 {
					t.Errorf("a fault that passed: %+v, %v", coverage, err)
				}
				if proxy.Hits(0) != 1 {
					t.Errorf("%d faults", proxy.Hits(0))
				}

				e.timing.request.Tries = 2
				proxy.Set(faultproxy.Rule{Match: match, Fault: tt.fault(proxy)})
				if coverage, err = e.Capture(t.Context(), (&recorder{}).emit); err != nil {
					t.Fatal(err)
				}
				if c := coverageOf(t, coverage, "ConfigMap"); c.Complete || !strings.Contains(c.Reason, tt.reason) {
					t.Errorf("a fault that stays: %+v", c)
				}
			})
		}
	}
}

// TestRefusedDiscoveryIsNoAbsence checks what client-go takes for an empty answer: a
// refusal of the list of groups, or of the core group.
func TestRefusedDiscoveryIsNoAbsence(t *testing.T) {
	for _, path := range []string{"/api", "/apis", "/api/v1"} {
		for _, code := range []int{http.StatusForbidden, http.StatusNotFound} {
			f := newFakeServer(t)
			f.json("/apis", `{"kind":"APIGroupList","apiVersion":"v1","groups":[
				{"name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apps/v1","version":"v1"}},
				{"name":"apiregistration.k8s.io","versions":[{"groupVersion":"apiregistration.k8s.io/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apiregistration.k8s.io/v1","version":"v1"}}]}`)
			f.json("/apis/apps/v1",
				`{"kind":"APIResourceList","groupVersion":"apps/v1","resources":[{"name":"deployments","namespaced":true,"kind":"Deployment","verbs":["create","get","list","watch"]}]}`)
			f.json("/apis/apiregistration.k8s.io/v1",
				`{"kind":"APIResourceList","groupVersion":"apiregistration.k8s.io/v1","resources":[{"name":"apiservices","kind":"APIService","verbs":["create","get","list","watch"]}]}`)

			f.json("/apis/apiregistration.k8s.io/v1/apiservices", `{"kind":"APIServiceList","metadata":{"resourceVersion":"7"},"items":[
				{"metadata":{"name":"v1."},"spec":{"version":"v1"}},{"metadata":{"name":"v1.apps"},"spec":{"group":"apps","version":"v1"}}]}`)
			f.on(configMaps, func(w http.ResponseWriter, _ *http.Request) { listOf(w, "7", "") })
			f.json("/apis/apps/v1/deployments", `{"metadata":{"resourceVersion":"7"},"items":[]}`)
			proxy, e := f.proxied(faultproxy.HTTP2, Options{})
			proxy.Set(faultproxy.Rule{Match: faultproxy.Path(path), Fault: faultproxy.Status(code, http.StatusText(code), "no")})
			coverage, err := e.Capture(t.Context(), (&recorder{}).emit)
			if err == nil && coverage.Complete() {
				t.Errorf("%s answered %d and nothing is missing: %+v", path, code, coverage)
			}
		}
	}
}
