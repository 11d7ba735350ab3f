package webhook

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/appbur/appbur/internal/audit/audittest"
)

// taken is an intake that keeps what it takes, and can be held.
type taken struct {
	mu      sync.Mutex
	events  []string
	refused []string
	hold    chan struct{}
	holding chan struct{}
}

func (t *taken) Take(event []byte) {
	if t.hold != nil {
		t.holding <- struct{}{}
		<-t.hold
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, string(event))
}

func (t *taken) Refuse(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused = append(t.refused, reason)
}

func (t *taken) Lose() {}

// lines are what was logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// started is a receiver of a test.
type started struct {
	*testing.T
	dir      string
	taken    *taken
	server   audittest.Authority
	clients  audittest.Authority
	address  string
	messages lines
}

func start(t *testing.T, change func(*Options, *taken)) *started {
	t.Helper()
	s := &started{T: t, dir: t.TempDir(), taken: &taken{}, server: audittest.NewAuthority(t), clients: audittest.NewAuthority(t)}
	o := Options{
		Certificate: filepath.Join(s.dir, "tls.crt"), Key: filepath.Join(s.dir, "tls.key"), ClientCA: filepath.Join(s.dir, "ca.crt"),
		Log: slog.New(slog.NewTextHandler(&s.messages, nil)),
	}
	s.files()
	change(&o, s.taken)

	receiver := New(s.taken, o)
	if err := receiver.Check(); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = "https://" + listener.Addr().String() + "/"
	ended := make(chan error, 1)
	go func() { ended <- receiver.Serve(listener) }()
	t.Cleanup(func() {
		receiver.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

// files writes what the receiver is configured with.
func (s *started) files() {
	s.Helper()
	certificate, key := s.server.Issue(s, "appbur", "127.0.0.1")
	for name, text := range map[string][]byte{"tls.crt": certificate, "tls.key": key, "ca.crt": s.clients.PEM} {
		if err := os.WriteFile(filepath.Join(s.dir, name), text, 0o600); err != nil {
			s.Fatal(err)
		}
	}
}

// client has a certificate of an authority, or none.
func (s *started) client(authority *audittest.Authority, name string) *http.Client {
	s.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.server.PEM)
	config := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	if authority != nil {
		pair, err := tls.X509KeyPair(authority.Issue(s, name, "127.0.0.1"))
		if err != nil {
			s.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	s.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func (s *started) post(client *http.Client, body string) (int, error) {
	response, err := client.Post(s.address, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, nil
}

func list(events ...string) string {
	return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + strings.Join(events, ",") + `]}`
}

func usual(*Options, *taken) {}

// TestBatches has a row for each answer.
func TestBatches(t *testing.T) {
	s := start(t, func(o *Options, _ *taken) { o.Body, o.Event = 4000, 1000 })
	client := s.client(&s.clients, "kube-apiserver")
	long := `"` + strings.Repeat("x", 1500) + `"`
	for _, test := range []struct {
		name, body      string
		want            int
		events, refused []string
	}{
		{"events", list(`{"a":1}`, `{"b":2}`), 200, []string{`{"a":1}`, `{"b":2}`}, nil},
		{"none", list(), 200, nil, nil},
		{"one that is too large", list(long, `{"c":3}`), 200, []string{`{"c":3}`}, []string{"too_large"}},
		{"a batch that is too large", list(long, long, long), 413, nil, []string{"too_large", "too_large", "too_large"}},
		{"half a batch", list(`{"d":4}`)[:80], 400, nil, nil},
		{"another version", strings.Replace(list(), "/v1", "/v1beta1", 1), 400, nil, nil},
		{"something else", `{"kind":"Pod"}`, 400, nil, nil},
		{"a list", `[]`, 400, nil, nil},
		{"nothing", ``, 400, nil, nil},
	} {
		s.taken.events, s.taken.refused = nil, nil
		code, err := s.post(client, test.body)
		if err != nil || code != test.want || !slices.Equal(s.taken.events, test.events) || !slices.Equal(s.taken.refused, test.refused) {
			t.Errorf("%s: %d %v, took %q, refused %q", test.name, code, err, s.taken.events, s.taken.refused)
		}
	}
	if response, err := client.Get(s.address); err != nil || response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %v, %v", response, err)
	}
}

// TestWhoIsHeard: only a certificate of the authority, and of the names.
func TestWhoIsHeard(t *testing.T) {
	s := start(t, func(o *Options, _ *taken) { o.Names = []string{"kube-apiserver"} })
	other := audittest.NewAuthority(t)
	for _, test := range []struct {
		name      string
		authority *audittest.Authority
		as        string
		heard     bool
	}{
		{"the API server", &s.clients, "kube-apiserver", true},
		{"another name", &s.clients, "mallory", false},
		{"another authority", &other, "kube-apiserver", false},
		{"no certificate", nil, "", false},
	} {
		code, err := s.post(s.client(test.authority, test.as), list(`{}`))
		if heard := err == nil && code == 200; heard != test.heard {
			t.Errorf("%s: %d, %v", test.name, code, err)
		}
	}
	if len(s.taken.events) != 1 || !strings.Contains(s.messages.String(), "name=mallory") {
		t.Errorf("took %q\n%s", s.taken.events, s.messages.String())
	}
}

// TestFull: who comes while all places are taken is sent away with 429 and comes again; nothing is lost.
func TestFull(t *testing.T) {
	s := start(t, func(o *Options, taken *taken) {
		o.Parallel = 1
		taken.hold, taken.holding = make(chan struct{}), make(chan struct{})
	})
	client := s.client(&s.clients, "kube-apiserver")
	first := make(chan string)
	go func() {
		code, err := s.post(client, list(`1`))
		first <- fmt.Sprint(code, err)
	}()
	<-s.taken.holding
	if code, err := s.post(client, list(`2`)); code != http.StatusTooManyRequests || err != nil {
		t.Errorf("%d %v", code, err)
	}

	s.taken.hold <- struct{}{}
	if answer := <-first; answer != "200 <nil>" {
		t.Error(answer)
	}
	go func() { <-s.taken.holding; s.taken.hold <- struct{}{} }()
	if code, err := s.post(client, list(`2`)); code != 200 || err != nil || !slices.Equal(s.taken.events, []string{"1", "2"}) {
		t.Errorf("%d %v, took %q", code, err, s.taken.events)
	}
}

// TestNobodyAnswersForAnother: who is not the one that takes events any more has the API server send them again.
func TestNobodyAnswersForAnother(t *testing.T) {
	var wanted atomic.Bool
	s := start(t, func(o *Options, _ *taken) { o.Wanted = wanted.Load })
	client := s.client(&s.clients, "kube-apiserver")
	if code, err := s.post(client, list(`1`)); code != http.StatusServiceUnavailable || err != nil {
		t.Errorf("%d %v", code, err)
	}
	wanted.Store(true)
	if code, err := s.post(client, list(`1`)); code != 200 || err != nil {
		t.Errorf("%d %v", code, err)
	}
}

// TestCertificatesAreReadAgain: new files hold for new connections. Files that do not fit together leave the old ones.
func TestCertificatesAreReadAgain(t *testing.T) {
	s := start(t, usual)
	before := s.client(&s.clients, "kube-apiserver")
	if code, err := s.post(before, list()); code != 200 || err != nil {
		t.Fatal(code, err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "tls.key"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, err := s.post(before, list()); code != 200 || err != nil {
		t.Errorf("half of the files: %d %v", code, err)
	}

	s.server, s.clients = audittest.NewAuthority(t), audittest.NewAuthority(t)
	s.files()
	if _, err := s.post(before, list()); err == nil {
		t.Error("the old authority is still heard")
	}
	if code, err := s.post(s.client(&s.clients, "kube-apiserver"), list()); code != 200 || err != nil {
		t.Errorf("the new files: %d %v", code, err)
	}
}

// TestCheck: what is wrong with the files is told before anything listens.
func TestCheck(t *testing.T) {
	s := start(t, usual)
	path := func(name string) string { return filepath.Join(s.dir, name) }
	for want, o := range map[string]Options{
		"the certificate to receive": {Certificate: path("none"), Key: path("tls.key"), ClientCA: path("ca.crt")},
		"private key":                {Certificate: path("tls.crt"), Key: path("tls.crt"), ClientCA: path("ca.crt")},
		"the authority of those":     {Certificate: path("tls.crt"), Key: path("tls.key"), ClientCA: path("none")},
		"no certificate is in":       {Certificate: path("tls.crt"), Key: path("tls.key"), ClientCA: path("tls.key")},
	} {
		if err := New(s.taken, o).Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
