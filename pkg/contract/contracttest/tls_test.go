package contracttest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"hash/crc32"
	"math/big"
	"net"
	"regexp"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

func contractCRC(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

// issued makes an authority and a certificate of it for both sides of loopback.
func issued() (*x509.CertPool, tls.Certificate, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}

	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "both"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	rawCA, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, tls.Certificate{}, err
	}

	raw, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	parsed, err := x509.ParseCertificate(rawCA)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return pool, tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, nil
}

// mutual serves a club to those who have a certificate.
func mutual(ctx context.Context) (*contracttest.Instance, error) {
	pool, certificate, err := issued()
	if err != nil {
		return nil, err
	}
	o := options()

	// The SDK raises the version: the author cannot go below what SPEC.md requires.
	o.TLS = &tls.Config{
		Certificates: []tls.Certificate{certificate}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		MinVersion: tls.VersionTLS10,
	}
	server, err := contract.NewServer(newClub(), o)
	if err != nil {
		return nil, err
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()
	known := contract.DialOptions{TLS: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{certificate}}}
	return &contracttest.Instance{
		Address: l.Addr().String(), Dial: known,
		Identities: []contracttest.Identity{{Name: "a known caller", Dial: known, Export: codes.OK, Import: codes.OK}},
		Stop:       func() error { cancel(); return <-done },
	}, nil
}

// openTLS serves a club by TLS to anybody, from the given version on.
func openTLS(version uint16) func(context.Context) (*contracttest.Instance, error) {
	return func(ctx context.Context) (*contracttest.Instance, error) {
		pool, certificate, err := issued()
		if err != nil {
			return nil, err
		}
		honest, err := contracttest.InProcess(good)(ctx)
		if err != nil {
			return nil, err
		}
		conn, err := grpc.NewClient(honest.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}

		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: version})))
		contractpb.RegisterAppStateServer(server, newLiarProxy(conn, lies{}))
		done := make(chan error, 1)

		go func() { done <- server.Serve(l) }()
		return &contracttest.Instance{
			Address: l.Addr().String(), Dial: contract.DialOptions{TLS: &tls.Config{RootCAs: pool}},
			Stop: func() error {
				server.Stop()
				return errors.Join(<-done, conn.Close(), honest.Stop())
			},
		}, nil
	}
}

func TestKitPassesOverMutualTLS(t *testing.T) {
	report := contracttest.Check(t.Context(),
		quick(contracttest.Config{Start: mutual, Run: regexp.MustCompile("NET-001|NET-003|NET-004|NET-011|EXP-016")}))
	if report.Count(contracttest.Passed) != 5 {
		t.Errorf("not everything passed:\n%s", report)
	}
}
