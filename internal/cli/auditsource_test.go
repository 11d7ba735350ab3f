package cli

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/internal/configuration"
)

// lockedText is a log that is read while it is written.
type lockedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedText) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// An audit source that vanishes from a cluster that changes is told within 40 s, once, and once when it is back.
func TestSilentAuditSourceIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text lockedText
		a := &auditSource{ledger: audit.NewLedger(audit.Limits{}, time.Now), now: time.Now, log: slog.New(slog.NewTextHandler(&text, nil))}
		a.intake = audit.NewIntake(a.ledger, time.Now)
		event := []byte(`{"auditID":"1","stage":"ResponseComplete","verb":"get"}`)
		versions := "0"
		change := func() {
			versions += "0"
			a.ledger.Who(audit.Change{Event: audit.Modified, UID: "u", ResourceVersion: versions, Seen: time.Now()})
		}

		err := a.during(func(context.Context) error {
			a.intake.Take(event)
			time.Sleep(time.Hour)
			if text.String() != "" {
				t.Errorf("nothing has changed, and the source is told to be silent: %s", text.String())
			}
			change()
			time.Sleep(40 * time.Second)
			if strings.Count(text.String(), "no audit events come any more") != 1 {
				t.Errorf("it is silent for 40 s, and the log says %q", text.String())
			}
			if _, _, silent := a.state(); !silent {
				t.Error("it is silent, and the metric does not say so")
			}

			change()
			time.Sleep(10 * time.Minute)
			a.intake.Take(event)
			time.Sleep(5 * time.Second)
			if _, _, silent := a.state(); silent {
				t.Error("it is back, and the metric does not say so")
			}
			return nil
		})(t.Context())
		if err != nil || strings.Count(text.String(), "\n") != 2 || !strings.Contains(text.String(), "audit events come again") {
			t.Errorf("%v\n%s", err, text.String())
		}
	})
}

// What is missing for a webhook, and what is no certificate, is told before anything runs.
func TestAuditEventsNeedCertificates(t *testing.T) {
	for _, test := range []struct {
		webhook configuration.AuditWebhook
		want    string
	}{
		{configuration.AuditWebhook{Listen: "9443"}, "over HTTPS with client certificates only"},
		{configuration.AuditWebhook{Cert: "a.pem"}, "nothing listens"},
		{configuration.AuditWebhook{Listen: "x:y", Cert: "a", Key: "b", ClientCA: "c"}, `receive audit events at, "x:y": "y" is no port`},
		{configuration.AuditWebhook{Service: "s"}, "a Service is to lead here for audit events, and nothing listens"},
		{configuration.AuditWebhook{Service: "no/name", Listen: "0.0.0.0:9443"}, `"no/name" is no name`},
		{configuration.AuditWebhook{Service: "s", Listen: "9443"}, "the Service s cannot lead to 127.0.0.1"},
		{configuration.AuditWebhook{Service: "s", Listen: "localhost:9443"}, "the Service s cannot lead to localhost"},
		{configuration.AuditWebhook{Service: "s", Listen: "x:y"}, `"y" is no port`},
		{configuration.AuditWebhook{Listen: "9443", Cert: "a", Key: "b", ClientCA: "c"}, "the certificate to receive audit events with"},
	} {
		c := configuration.Configuration{Audit: configuration.Audit{Webhook: test.webhook}}
		_, err := newAuditSource(&env{now: time.Now}, c, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), test.want) || appbur.HintOf(err) == "" {
			t.Errorf("%+v: %v", test.webhook, err)
		}
	}
	if source, err := newAuditSource(&env{now: time.Now}, configuration.Configuration{}, nil); err != nil || source.ledger != nil {
		t.Errorf("nothing is configured: %+v, %v", source, err)
	}
}

// A Service leads to the address that a listener has; to one that listens everywhere, at the address from which the API server is
// reached, unless that is nobody else's.
func TestWhereAServiceLeadsTo(t *testing.T) {
	for _, test := range []struct{ listens, server, want string }{
		{"10.0.0.7:9443", "127.0.0.1:6443", "10.0.0.7:9443"},
		{"[2001:db8::7]:9443", "127.0.0.1:6443", "[2001:db8::7]:9443"},
		{"0.0.0.0:9443", "127.0.0.1:6443", ""},
		{"[::]:9443", "[::1]:6443", ""},
	} {
		service := &auditService{server: test.server}
		got, err := service.reached(t.Context(), listening(test.listens))
		if (err == nil) != (test.want != "") || err == nil && got.String() != test.want || err != nil && appbur.HintOf(err) == "" {
			t.Errorf("%+v: %s, %v", test, got, err)
		}
	}
}

// listening is a listener at an address that this machine need not have.
type listening string

func (l listening) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (l listening) Close() error              { return nil }
func (l listening) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(string(l)))
}
