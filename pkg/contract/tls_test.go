package contract_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// certificate makes a self-signed certificate for 127.0.0.1.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "notes"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}

	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestMutualTLS(t *testing.T) {
	cert, pool := certificate(t)
	o := notes()
	o.TLS = &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		MinVersion: tls.VersionTLS13,
	}
	address := serveAt(t, "127.0.0.1:0", memory(row(`{"id":1}`)), o)

	client, err := contract.Dial(t.Context(), address,
		contract.DialOptions{TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := export(t, client); err != nil {
		t.Error(err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}

	stranger, _ := certificate(t)
	for name, test := range map[string]struct {
		options contract.DialOptions
		want    error
	}{
		"an unknown authority": {contract.DialOptions{TLS: &tls.Config{MinVersion: tls.VersionTLS13}}, contract.ErrServerCertificate},
		"another host": {
			contract.DialOptions{TLS: &tls.Config{RootCAs: pool, ServerName: "elsewhere", MinVersion: tls.VersionTLS13}},
			contract.ErrServerCertificate,
		},
		"no client certificate": {
			contract.DialOptions{TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}},
			contract.ErrClientCertificate,
		},
		"a stranger's": {contract.DialOptions{TLS: &tls.Config{
			RootCAs: pool, Certificates: []tls.Certificate{stranger},
			MinVersion: tls.VersionTLS13,
		}}, contract.ErrClientCertificate},
		"plain text": {contract.DialOptions{Insecure: true, Timeout: 300 * time.Millisecond}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := contract.Dial(t.Context(), address, test.options)
			var e *contract.Error
			if !errors.As(err, &e) || appbur.HintOf(err) == "" {
				t.Errorf("got %v, want a contract error with a hint", err)
			}
			if test.want != nil && (!errors.Is(err, test.want) || e.Code != codes.Unauthenticated) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// With TLS 1.2 the refusal ends the handshake itself.
func TestRefusedCertificateInTLS12(t *testing.T) {
	cert, pool := certificate(t)
	o := notes()
	o.TLS = &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12,
	}
	address := serveAt(t, "127.0.0.1:0", memory(row(`{"id":1}`)), o)
	_, err := contract.Dial(t.Context(), address, contract.DialOptions{TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}})
	if !errors.Is(err, contract.ErrClientCertificate) {
		t.Errorf("got %v", err)
	}
}
