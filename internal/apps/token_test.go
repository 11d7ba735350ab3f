package apps

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// heard is the last token that an application was shown.
type heard struct{ token contract.Token }

func (h *heard) Identify(_ context.Context, c contract.Credentials) (contract.Caller, error) {
	h.token = c.Token
	return contract.Caller{Name: "appbur", May: func(context.Context, contract.Right) (bool, error) { return true, nil }}, nil
}

// Whoever may label a Service does not get the token that lets appbur into other applications.
func TestAFoundApplicationIsShownNoTokenOfOthers(t *testing.T) {
	of := func(text string) contract.TokenSource {
		return func(context.Context) (contract.Token, error) { return contract.Token(text), nil }
	}
	fleet, tenant := appbur.AppKey{Namespace: "fleet-system", Name: "fleet"}, appbur.AppKey{Namespace: "tenant", Name: "fleet"}
	each := func(app appbur.AppKey) contract.TokenSource {
		if app == fleet {
			return of("of fleet")
		}
		return nil
	}
	id, err := ParseSPIFFEID("spiffe://example.org/fleet")
	if err != nil {
		t.Fatal(err)
	}
	trusted, guard := newIssuer(t), &heard{}
	address := serveAt(t, "127.0.0.1:0", contracttest.NewMemory(nil), contract.Options{
		Guard: guard,
		TLS: &tls.Config{
			Certificates: []tls.Certificate{trusted.issue(t, time.Now().Add(time.Hour), id.String())}, MinVersion: tls.VersionTLS12,
		},
	})

	for _, test := range []struct {
		app    appbur.AppKey
		found  bool
		dialer Dialer
		want   contract.Token
	}{
		{fleet, false, Dialer{Token: of("one for all")}, "one for all"},
		{fleet, true, Dialer{Token: of("one for all")}, ""},
		{tenant, true, Dialer{Token: of("one for all")}, ""},
		{fleet, true, Dialer{TokenOf: each}, "of fleet"},
		{fleet, false, Dialer{TokenOf: each}, "of fleet"},
		{tenant, true, Dialer{TokenOf: each}, ""},
	} {
		target := Target{AppKey: test.app, Address: address, SPIFFEID: id, Roots: trusted.pool}
		if test.found {
			target.Service = test.app.Namespace + "/service"
		}
		test.dialer.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		guard.token = "nothing"
		if _, err := Export(t.Context(), test.dialer, target, newStore(), rand.Reader); err != nil {
			t.Fatal(err)
		}
		if guard.token != test.want {
			t.Errorf("%s, found %t: it was shown %q, want %q", test.app, test.found, string(guard.token), string(test.want))
		}
	}
}
