package faultproxy

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

const list = `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a"}}]}`

// answers are what the server behind the proxy says.
var answers = map[string]string{
	"/api":               `{"kind":"APIVersions","versions":["v1"]}`,
	"/api/v1":            `{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods"},{"name":"configmaps"}]}`,
	"/apis":              `{"kind":"APIGroupList","groups":[{"name":"apps"},{"name":"batch"}]}`,
	"/apis/apps/v1":      `{"kind":"APIResourceList","groupVersion":"apps/v1","resources":[{"name":"deployments"},{"name":"daemonsets"}]}`,
	"/aggregated/apis":   `{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"apps"},"versions":[{"version":"v1","resources":[{"resource":"deployments"},{"resource":"daemonsets"}]}]},{"metadata":{"name":"batch"}}]}`,
	"/api/v1/configmaps": list,
}

// start runs a server behind a proxy and returns a client of the proxy.
func start(t *testing.T, protocol Protocol) (*Proxy, *http.Client) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if Watch(r) {
			fmt.Fprintln(w, `{"type":"ADDED"}`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, answers[r.URL.Path])
	}))

	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	p := New(t, &rest.Config{Host: server.URL, BearerToken: "t", TLSClientConfig: rest.TLSClientConfig{CAData: certificate}}, protocol)
	client, err := rest.HTTPClientFor(p.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	return p, client
}

// get returns the status, the headers and the body of an answer.
func get(ctx context.Context, p *Proxy, client *http.Client, path string) (*http.Response, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.server.URL+path, nil)
	if err != nil {
		return nil, "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

func both(t *testing.T, run func(t *testing.T, p *Proxy, client *http.Client, major int)) {
	t.Run("HTTP/1.1", func(t *testing.T) { p, client := start(t, HTTP1); run(t, p, client, 1) })
	t.Run("HTTP/2", func(t *testing.T) { p, client := start(t, HTTP2); run(t, p, client, 2) })
}

func TestRequestsPass(t *testing.T) {
	both(t, func(t *testing.T, p *Proxy, client *http.Client, major int) {
		p.Set(Rule{Match: Path("/other"), Fault: Reset()})
		response, body, err := get(t.Context(), p, client, "/api/v1/configmaps?limit=5")
		if err != nil || body != list || response.ProtoMajor != major {
			t.Errorf("%v %q %v", response, body, err)
		}
	})
}

// A watch delivers its events while it is open.
func TestWatchesPass(t *testing.T) {
	both(t, func(t *testing.T, p *Proxy, client *http.Client, _ int) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, p.server.URL+"/api/v1/configmaps?watch=true", nil)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		line := make([]byte, len(`{"type":"ADDED"}`))
		if _, err := io.ReadFull(response.Body, line); err != nil {
			t.Error(err)
		}
	})
}

func TestEachFaultIsWhatItIsCalled(t *testing.T) {
	for name, tt := range map[string]struct {
		fault Fault
		check func(response *http.Response, body string, err error) bool
	}{
		"overload": {TooManyRequests(3), func(r *http.Response, body string, err error) bool {
			return err == nil && r.StatusCode == 429 && r.Header.Get("Retry-After") == "3" && strings.Contains(body, `"retryAfterSeconds":3`)
		}},
		"status": {Status(403, "Forbidden", "no"), func(r *http.Response, body string, err error) bool {
			return err == nil && r.StatusCode == 403 && strings.Contains(body, `"message":"no"`) && r.Header.Get("Retry-After") == ""
		}},
		"unavailable": {Unavailable(), func(r *http.Response, _ string, err error) bool { return err == nil && r.StatusCode == 503 }},
		"expired":     {Expired(), func(r *http.Response, _ string, err error) bool { return err == nil && r.StatusCode == 410 }},
		"garbage":     {Garbage(), func(r *http.Response, body string, err error) bool { return err == nil && !json.Valid([]byte(body)) }},
		"truncated": {Truncate(), func(r *http.Response, body string, err error) bool {
			return err == nil && r.StatusCode == 200 && body == list[:len(list)/2]
		}},
		"broken off": {BreakOff(), func(_ *http.Response, body string, err error) bool { return err != nil && body == list[:len(list)/2] }},
		"reset":      {Reset(), func(_ *http.Response, _ string, err error) bool { return err != nil }},
		"slow":       {Slow(3, time.Millisecond), func(_ *http.Response, body string, err error) bool { return err == nil && body == list }},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, p *Proxy, client *http.Client, _ int) {
				p.Set(Rule{Match: List("configmaps"), Fault: tt.fault})
				response, body, err := get(t.Context(), p, client, "/api/v1/configmaps")
				if !tt.check(response, body, err) {
					t.Errorf("%v %q %v", response, body, err)
				}
				if p.Hits(0) == 0 {
					t.Error("the hit was not counted")
				}
			})
		})
	}
}

func TestAHangingRequestEndsWithItsContext(t *testing.T) {
	both(t, func(t *testing.T, p *Proxy, client *http.Client, _ int) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		hang := p.Hang()
		p.Set(Rule{Match: Any, Fault: func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
			cancel() // the request has arrived
			hang(w, r, forward)
		}})

		if _, _, err := get(ctx, p, client, "/api"); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestWatchFaults(t *testing.T) {
	both(t, func(t *testing.T, p *Proxy, client *http.Client, _ int) {
		p.Set(Rule{Match: Watch, Times: 1, Fault: CloseWatch()}, Rule{Match: Watch, Times: 1, Fault: ForgetWatch()},
			Rule{Match: Watch, Times: 1, Fault: BreakWatch()}, Rule{Match: Watch, Fault: p.Silent()})
		const path = "/api/v1/configmaps?watch=true"
		if _, body, err := get(t.Context(), p, client, path); err != nil || body != "" {
			t.Errorf("closed: %q %v", body, err)
		}
		if _, body, err := get(t.Context(), p, client, path); err != nil || !strings.Contains(body, `"code":410`) {
			t.Errorf("forgotten: %q %v", body, err)
		}

		if _, body, err := get(t.Context(), p, client, path); err == nil {
			t.Errorf("broken: %q %v", body, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatalf("silent: %v", err)
		}
		defer response.Body.Close()
		cancel() // the head of the answer has arrived
		if body, err := io.ReadAll(response.Body); len(body) > 0 || err == nil {
			t.Errorf("silent: %q %v", body, err)
		}
	})
}

func TestDiscoveryLoses(t *testing.T) {
	p, client := start(t, HTTP2)
	for _, tt := range []struct {
		fault      Fault
		path, want string
	}{
		{LoseGroups("apps"), "/apis", `{"groups":[{"name":"batch"}],"kind":"APIGroupList"}`},
		{LoseGroups("apps"), "/aggregated/apis", `{"items":[{"metadata":{"name":"batch"}}],"kind":"APIGroupDiscoveryList"}`},
		{LoseGroups("apps"), "/apis/apps/v1", `{"groupVersion":"apps/v1","kind":"APIResourceList","resources":[]}`},
		{LoseGroups(""), "/api", `{"kind":"APIVersions","versions":[]}`},
		{LoseGroups(""), "/api/v1", `{"groupVersion":"v1","kind":"APIResourceList","resources":[]}`},
		{
			LoseGroups(""), "/apis/apps/v1",
			`{"groupVersion":"apps/v1","kind":"APIResourceList","resources":[{"name":"deployments"},{"name":"daemonsets"}]}`,
		},
		{
			LoseResources("deployments"), "/apis/apps/v1",
			`{"groupVersion":"apps/v1","kind":"APIResourceList","resources":[{"name":"daemonsets"}]}`,
		},
		{
			LoseResources("deployments"), "/aggregated/apis",
			`{"items":[{"metadata":{"name":"apps"},"versions":[{"resources":[{"resource":"daemonsets"}],"version":"v1"}]},{"metadata":{"name":"batch"}}],"kind":"APIGroupDiscoveryList"}`,
		},
	} {
		p.Set(Rule{Match: Any, Fault: tt.fault})
		if _, body, err := get(t.Context(), p, client, tt.path); err != nil || body != tt.want {
			t.Errorf("%s: %v\n got %s\nwant %s", tt.path, err, body, tt.want)
		}
	}
}

// The first rule that matches and is not used up decides.
func TestScript(t *testing.T) {
	p, client := start(t, HTTP2)
	p.Set(
		Rule{Match: List("configmaps"), After: 1, Times: 2, Fault: Status(500, "", "")},
		Rule{Match: All(Lists, Continued), Fault: Expired()},
	)

	for i, want := range []int{200, 500, 500, 200, 200} {
		if response, _, err := get(t.Context(), p, client, "/api/v1/configmaps"); err != nil || response.StatusCode != want {
			t.Errorf("request %d: %v %v, want %d", i, response, err, want)
		}
	}

	if response, _, err := get(t.Context(), p, client, "/api/v1/pods?limit=1&continue=x"); err != nil || response.StatusCode != 410 {
		t.Errorf("%v %v", response, err)
	}
	if p.Hits(0) != 2 || p.Hits(1) != 1 {
		t.Errorf("hits %d and %d", p.Hits(0), p.Hits(1))
	}
	p.Set()
	if response, _, err := get(t.Context(), p, client, "/api/v1/configmaps?limit=1&continue=x"); err != nil || response.StatusCode != 200 {
		t.Errorf("%v %v", response, err)
	}
}

func TestRequestsAreDiscoveryListOrWatch(t *testing.T) {
	for _, tt := range []struct {
		uri                    string
		discovery, list, watch bool
	}{
		{"/api", true, false, false},
		{"/api/v1", true, false, false},
		{"/apis", true, false, false},
		{"/apis/apps/v1", true, false, false},
		{"/apis/apps/v1/deployments?limit=1", false, true, false},
		{"/api/v1/pods?limit=1", false, true, false},
		{"/api/v1/pods?watch=true", false, false, true},
		{"/version", false, false, false},
	} {
		r := httptest.NewRequest(http.MethodGet, tt.uri, nil)
		if Discovery(r) != tt.discovery || Lists(r) != tt.list || Watch(r) != tt.watch {
			t.Errorf("%s: discovery %v, list %v, watch %v", tt.uri, Discovery(r), Lists(r), Watch(r))
		}
	}
}
