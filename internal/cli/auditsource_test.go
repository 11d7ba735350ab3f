package cli

import (
	"bytes"
	"context"
	"log/slog"
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
