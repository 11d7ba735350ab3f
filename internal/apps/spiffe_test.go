package apps

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

func TestParseSPIFFEID(t *testing.T) {
	for _, text := range []string{"spiffe://example.org/fleet", "spiffe://a_b.c-1/ns/shop/sa/orders.v1"} {
		if id, err := ParseSPIFFEID(text); err != nil || id.String() != text {
			t.Errorf("%s: %q %v", text, id, err)
		}
	}
	for _, text := range []string{
		"", "fleet", "https://example.org/fleet", "spiffe://", "spiffe:///fleet", "spiffe://example.org", "spiffe://example.org/",
		"spiffe://Example.org/fleet", "spiffe://example.org:443/fleet", "spiffe://me@example.org/fleet", "spiffe://example.org/a//b",
		"spiffe://example.org/fleet/", "spiffe://example.org/../fleet", "spiffe://example.org/./fleet", "spiffe://example.org/fleet?a=b",
		"spiffe://example.org/fleet#a", "spiffe://example.org/%41", "spiffe://example.org/a b",
		"spiffe://example.org/" + strings.Repeat("a", 2048),
	} {
		if id, err := ParseSPIFFEID(text); err == nil {
			t.Errorf("%q is %s", text, id)
		}
	}
}

// issuer is an authority that signs certificates without the name of a host.
type issuer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
}

func newIssuer(t *testing.T) issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "issuer"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	i := issuer{key: key, pool: x509.NewCertPool()}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err == nil {
		i.certificate, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	i.pool.AddCert(i.certificate)
	return i
}

func (i issuer) issue(t *testing.T, expires time.Time, ids ...string) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: expires,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	for _, id := range ids {
		uri, err := url.Parse(id)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, uri)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.certificate, &i.key.PublicKey, i.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: i.key}
}

// An application is who its certificate says, by a SPIFFE ID in place of a name, and nobody else.
func TestAnApplicationIsWhoItsSPIFFEIDSays(t *testing.T) {
	const fleet, other = "spiffe://example.org/fleet", "spiffe://example.org/other"
	ours, theirs, later := newIssuer(t), newIssuer(t), time.Now().Add(time.Hour)
	id, err := ParseSPIFFEID(fleet)
	if err != nil {
		t.Fatal(err)
	}

	for name, test := range map[string]struct {
		shown tls.Certificate
		why   string
	}{
		"the one":             {ours.issue(t, later, fleet), ""},
		"another workload":    {ours.issue(t, later, other), "not for " + fleet},
		"two workloads":       {ours.issue(t, later, fleet, other), "not for " + fleet},
		"no workload":         {ours.issue(t, later), "not for " + fleet},
		"of somebody else":    {theirs.issue(t, later, fleet), "unknown authority"},
		"its time has passed": {ours.issue(t, time.Now().Add(-time.Hour), fleet), "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // who is not trusted is tried again for a while
			target := Target{
				AppKey:     appbur.AppKey{Namespace: "fleet-system", Name: "fleet"},
				ServerName: "fleet.fleet-system.svc", SPIFFEID: id, Roots: ours.pool,
				Address: serveAt(t, "127.0.0.1:0", contracttest.NewMemory(nil), contract.Options{
					TLS: &tls.Config{Certificates: []tls.Certificate{test.shown}, ClientCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12},
				}),
			}
			client, err := Dialer{TLS: &tls.Config{MinVersion: tls.VersionTLS12}}.dial(t.Context(), target, 5*time.Second)
			if err == nil {
				hangUp(client)
			}
			switch {
			case test.why == "" && err != nil:
				t.Error(err)
			case test.why != "" && (err == nil || !strings.Contains(err.Error(), test.why)):
				t.Errorf("got %v, want %q", err, test.why)
			}
		})
	}
}
