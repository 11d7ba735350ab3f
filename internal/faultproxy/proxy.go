package faultproxy

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
)

// Protocol is what the proxy speaks with its clients.
type Protocol bool

// The protocols. API servers speak both; load balancers in front of them often
// speak only the older one.
const (
	HTTP1 Protocol = false
	HTTP2 Protocol = true
)

// Rule says which requests meet which fault.
type Rule struct {
	// Match selects requests.
	Match Match
	// After lets that many matching requests pass first.
	After int
	// Times bounds how many requests meet the fault; 0 means all.
	Times int
	// Fault is what happens.
	Fault Fault
}

// Fault answers a request instead of the server. It may ask the server through
// forward and spoil what comes back.
type Fault func(w http.ResponseWriter, r *http.Request, forward http.Handler)

// Proxy is a running proxy.
type Proxy struct {
	target *rest.Config
	server *httptest.Server
	closed chan struct{}

	mutex  sync.Mutex
	script []*scripted
}

// scripted is a rule with its counters.
type scripted struct {
	Rule
	seen, hits int
}

// New starts a proxy in front of the API server that target leads to. It ends with
// the test.
func New(t testing.TB, target *rest.Config, protocol Protocol) *Proxy {
	t.Helper()
	address, err := url.Parse(target.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(&rest.Config{Host: target.Host, TLSClientConfig: target.TLSClientConfig})
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: rest.CopyConfig(target), closed: make(chan struct{})}

	forward := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(address)
			r.Out.Host = address.Host
		},
		FlushInterval: -1, // watches are passed on event by event
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			// The server broke off or the client left: the client sees the former as
			// it is, not as an answer.
			panic(http.ErrAbortHandler)
		},
	}

	p.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := p.pick(r); fault != nil {
			fault(w, r, forward)
			return
		}
		forward.ServeHTTP(w, r)
	}))

	p.server.EnableHTTP2 = bool(protocol)
	p.server.StartTLS()
	t.Cleanup(func() {
		close(p.closed)
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

// RESTConfig returns the configuration of the target with the address and the
// certificate of the proxy.
func (p *Proxy) RESTConfig() *rest.Config {
	config := rest.CopyConfig(p.target)
	config.Host = p.server.URL
	config.CAFile, config.ServerName, config.Insecure = "", "", false
	config.CAData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	return config
}

// Set replaces the script. Requests under way keep the fault that they met.
func (p *Proxy) Set(rules ...Rule) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.script = nil
	for _, rule := range rules {
		p.script = append(p.script, &scripted{Rule: rule})
	}
}

// Hits returns how many requests have met the fault of the rule at this place of
// the script.
func (p *Proxy) Hits(index int) int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.script[index].hits
}

// Disconnect closes every connection of every client.
func (p *Proxy) Disconnect() { p.server.CloseClientConnections() }

// pick returns the fault that a request meets, nil for none.
func (p *Proxy) pick(r *http.Request) Fault {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, rule := range p.script {
		if !rule.Match(r) || rule.Times > 0 && rule.hits >= rule.Times {
			continue
		}
		if rule.seen++; rule.seen <= rule.After {
			continue
		}
		rule.hits++
		return rule.Fault
	}
	return nil
}
