package contract_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// authority signs certificates for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	Pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}

	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, Pool: x509.NewCertPool()}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.Pool.AddCert(a.cert)
	return a
}

// issue signs a certificate with the given names.
func (a *authority) issue(t *testing.T, common string, uris, dns []string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: common}, DNSNames: dns,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}

	for _, text := range uris {
		uri, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, uri)
	}

	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serveAt serves until the test ends and returns the address.
func serveAt(t testing.TB, address string, app contract.App, o contract.Options) string {
	t.Helper()
	server, err := contract.NewServer(app, o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := contract.Listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()

	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})

	if strings.HasPrefix(address, "unix:") {
		return address
	}
	return l.Addr().String()
}

func connect(t *testing.T, address string, o contract.DialOptions) *contract.Client {
	t.Helper()
	client, err := contract.Dial(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func fixedToken(token contract.Token) contract.TokenSource {
	return func(context.Context) (contract.Token, error) { return token, nil }
}

func codeOf(err error) codes.Code {
	var e *contract.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err == nil {
		return codes.OK
	}
	return codes.Unknown
}

const (
	exporterToken = contract.Token("exporter-0123456789abcdef")
	importerToken = contract.Token("importer-0123456789abcdef")
	bothToken     = contract.Token("operator-0123456789abcdef")
)

// guards are all built-in ones, in one.
func guards(t *testing.T) contract.Guard {
	t.Helper()
	tokens, err := contract.AllowTokens(
		contract.TokenGrant{Name: "exporter", Token: exporterToken, Rights: []contract.Right{contract.RightExport}},
		contract.TokenGrant{Name: "importer", Token: importerToken, Rights: []contract.Right{contract.RightImport}},
		contract.TokenGrant{Name: "operator", Token: bothToken, Rights: []contract.Right{contract.RightExport, contract.RightImport}})
	if err != nil {
		t.Fatal(err)
	}
	certificates, err := contract.AllowCertificates(map[string][]contract.Right{
		"spiffe://example.com/backup": {contract.RightExport}, "restore.example.com": {contract.RightImport},
	})
	if err != nil {
		t.Fatal(err)
	}
	return contract.FirstGuard(certificates, tokens)
}

// calls are every call that needs a right, with that right.
func calls(t *testing.T, c *contract.Client) map[string]error {
	t.Helper()
	_, _, exported := export(t, c)
	_, imported := c.Import(t.Context(), request(t, source("notes", "1.0", "{\"id\":2}\n")))
	_, verified := c.Verify(t.Context())
	_, fingerprints := c.Fingerprints(t.Context())
	_, listed := c.Operations(t.Context())
	return map[string]error{
		"export": exported, "import": imported, "verify": verified, "fingerprints": fingerprints,
		"release": c.Release(t.Context(), "some"), "list": listed,
	}
}

var neededRight = map[string]contract.Right{
	"export": contract.RightExport, "import": contract.RightImport, "verify": contract.RightExport,
	"fingerprints": contract.RightExport, "release": contract.RightExport,
}

func TestRights(t *testing.T) {
	own, foreign := newAuthority(t), newAuthority(t)
	o := notes()
	o.Guard = guards(t)
	o.TLS = &tls.Config{
		Certificates: []tls.Certificate{own.issue(t, "server", nil, nil)}, ClientCAs: own.Pool,
		ClientAuth: tls.VerifyClientCertIfGiven,
	}
	address := serveAt(t, "127.0.0.1:0", memory(row(`{"id":1}`)), o)
	type rights []contract.Right

	tests := map[string]struct {
		token  contract.Token
		cert   *tls.Certificate
		known  bool
		rights rights
	}{
		"nothing":              {},
		"an unknown token":     {token: "stranger-0123456789abcdef"},
		"the start of a token": {token: exporterToken[:23]},
		"the exporter's token": {token: exporterToken, known: true, rights: rights{contract.RightExport}},
		"the importer's token": {token: importerToken, known: true, rights: rights{contract.RightImport}},
		"both rights":          {token: bothToken, known: true, rights: rights{contract.RightExport, contract.RightImport}},
		"a URI": {
			cert: new(own.issue(t, "x", []string{"spiffe://example.com/backup"}, nil)), known: true,
			rights: rights{contract.RightExport},
		},
		"a DNS name": {
			cert: new(own.issue(t, "x", nil, []string{"other.example.com", "restore.example.com"})), known: true,
			rights: rights{contract.RightImport},
		},
		"a URI as a DNS name": {cert: new(own.issue(t, "x", nil, []string{"spiffe://example.com/backup"}))},
		"a common name":       {cert: new(own.issue(t, "restore.example.com", nil, nil))},
		"an unlisted name":    {cert: new(own.issue(t, "x", []string{"spiffe://example.com/backup/more"}, nil))},
		"a token and a name": {
			token: exporterToken, cert: new(own.issue(t, "x", nil, []string{"unlisted.example.com"})), known: true,
			rights: rights{contract.RightExport},
		},
		"a name and a bad one": {
			token: "stranger-0123456789abcdef", cert: new(own.issue(t, "x", nil, []string{"restore.example.com"})),
			known: true, rights: rights{contract.RightImport},
		},
	}

	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			options := contract.DialOptions{TLS: &tls.Config{RootCAs: own.Pool}}
			if test.token != "" {
				options.Token = fixedToken(test.token)
			}
			if test.cert != nil {
				options.TLS.Certificates = []tls.Certificate{*test.cert}
			}
			client := connect(t, address, options) // GetInfo is free
			waitReady(t, client)
			for call, err := range calls(t, client) {
				want := codes.PermissionDenied
				right, one := neededRight[call]
				switch {
				case !test.known:
					want = codes.Unauthenticated
				case !one && len(test.rights) > 0, hasRight(test.rights, right):
					want = codes.OK
				}
				if want == codes.OK && call == "fingerprints" {
					want = codes.Unimplemented // the memory has none
				}
				if got := codeOf(err); got != want {
					t.Errorf("%s ends with %s, want %s: %v", call, got, want, err)
				}
				if want == codes.Unauthenticated || want == codes.PermissionDenied {
					var e *contract.Error
					if errors.As(err, &e); e == nil || e.Reason != "" || e.Retryable || appbur.HintOf(err) == "" {
						t.Errorf("%s: %+v has a reason or no hint", call, e)
					}
				}
			}
		})
	}

	t.Run("another authority", func(t *testing.T) {
		_, err := contract.Dial(t.Context(), address, contract.DialOptions{Timeout: 300 * time.Millisecond, TLS: &tls.Config{
			RootCAs: own.Pool, Certificates: []tls.Certificate{foreign.issue(t, "x", nil, []string{"restore.example.com"})},
		}})
		if err == nil {
			t.Error("a certificate of another authority was let in")
		}
	})

	t.Run("TLS 1.1", func(t *testing.T) {
		_, err := tls.Dial("tcp", address,
			&tls.Config{RootCAs: own.Pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, NextProtos: []string{"h2"}})
		if err == nil {
			t.Error("TLS 1.1 is spoken")
		}
	})
}

func hasRight(rights []contract.Right, right contract.Right) bool {
	for _, r := range rights {
		if r == right {
			return true
		}
	}
	return false
}

func waitReady(t *testing.T, c *contract.Client) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); c.Ready(t.Context()) != nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the application does not become ready")
		}
	}
}

// TestOldTLSIsNeverUsed: with a configuration that requests it, even by its callback.
func TestOldTLSIsNeverUsed(t *testing.T) {
	own := newAuthority(t)
	old := &tls.Config{Certificates: []tls.Certificate{own.issue(t, "server", nil, nil)}, MinVersion: tls.VersionTLS10}
	o := notes()
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS10, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return old, nil }}
	address := serveAt(t, "127.0.0.1:0", memory(), o)
	if _, err := tls.Dial("tcp", address, &tls.Config{
		RootCAs: own.Pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
		NextProtos: []string{"h2"},
	}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	connect(t, address, contract.DialOptions{TLS: &tls.Config{RootCAs: own.Pool, MinVersion: tls.VersionTLS10}})
}

func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "appbur")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return "unix://" + filepath.Join(dir, "app")
}

func TestSameUserAtASocket(t *testing.T) {
	for name, test := range map[string]struct {
		uid  int
		want codes.Code
	}{"ours": {os.Getuid(), codes.OK}, "another": {os.Getuid() + 1, codes.Unauthenticated}} {
		t.Run(name, func(t *testing.T) {
			o := notes()
			o.Guard = contract.FirstGuard(guards(t), contract.AllowSameUser(test.uid))
			address := serveAt(t, socketPath(t), memory(row(`{"id":1}`)), o)
			_, _, err := export(t, connect(t, address, contract.DialOptions{}))
			if codeOf(err) != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			// A token works over a socket as well.
			if _, _, err := export(t, connect(t, address, contract.DialOptions{Token: fixedToken(exporterToken)})); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTokensNeverTravelInPlainText(t *testing.T) {
	o := notes()
	o.Insecure, o.Guard = true, guards(t)
	if err := contract.ListenAndServe(t.Context(), "127.0.0.1:0", memory(), o); !errors.Is(err, contract.ErrPlaintext) ||
		appbur.HintOf(err) == "" {
		t.Errorf("the server ended with %v", err)
	}
	_, err := contract.Dial(t.Context(), "127.0.0.1:1", contract.DialOptions{Insecure: true, Token: fixedToken(exporterToken)})
	if !errors.Is(err, contract.ErrPlaintext) || appbur.HintOf(err) == "" {
		t.Errorf("the client ended with %v", err)
	}

	// A server of the application's own, without TLS, does not listen to tokens.
	server, err := contract.NewServer(memory(), o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := contract.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := grpc.NewServer()
	server.Register(own)

	go own.Serve(l)
	t.Cleanup(own.Stop)
	t.Cleanup(server.Close)
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+string(bothToken))
	_, err = contractpb.NewAppStateClient(conn).ListOperations(ctx, &contractpb.ListOperationsRequest{})
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("got %v", err)
	}
}

func TestOperationsAreThoseOfTheCallersRights(t *testing.T) {
	o := notes()
	o.Guard = guards(t)
	address := serveAt(t, socketPath(t), memory(row(`{"id":1}`)), o)
	as := func(token contract.Token) *contract.Client {
		return connect(t, address, contract.DialOptions{Token: fixedToken(token)})
	}
	exporter, importer, both := as(exporterToken), as(importerToken), as(bothToken)
	if _, _, err := export(t, exporter); err != nil {
		t.Fatal(err)
	}
	imported := request(t, source("notes", "1.0", "{\"id\":2}\n"))
	if _, err := importer.Import(t.Context(), imported); err != nil {
		t.Fatal(err)
	}

	kinds := func(c *contract.Client) string {
		list, err := c.Operations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, op := range list {
			all = append(all, op.Kind)
		}
		return strings.Join(all, " ")
	}
	if got := kinds(exporter); got != "export" {
		t.Errorf("the exporter sees %q", got)
	}

	if got := kinds(importer); got != "import" {
		t.Errorf("the importer sees %q", got)
	}
	if got := kinds(both); got != "import export" {
		t.Errorf("the operator sees %q", got)
	}
	if _, err := exporter.Operation(t.Context(), imported.OperationID); codeOf(err) != codes.PermissionDenied {
		t.Errorf("the exporter reads an import: %v", err)
	}

	if _, err := exporter.Cancel(t.Context(), imported.OperationID); codeOf(err) != codes.PermissionDenied {
		t.Errorf("the exporter cancels an import: %v", err)
	}
	if op, err := importer.Operation(t.Context(), imported.OperationID); err != nil || op.State != "succeeded" {
		t.Errorf("%+v %v", op, err)
	}
	if _, err := as("stranger-0123456789abcdef").Operation(t.Context(), "nothing"); codeOf(err) != codes.Unauthenticated {
		t.Errorf("a stranger learns what operations there are: %v", err)
	}
}

// brokenGuard cannot decide.
type brokenGuard struct {
	err error
	may error
}

func (g brokenGuard) Identify(context.Context, contract.Credentials) (contract.Caller, error) {
	return contract.Caller{Name: "x", May: func(context.Context, contract.Right) (bool, error) { return true, g.may }}, g.err
}

func TestGuardThatCannotDecideLetsNobodyIn(t *testing.T) {
	for name, guard := range map[string]contract.Guard{
		"who":  brokenGuard{err: fmt.Errorf("dial tcp 10.0.0.1: secret detail")},
		"what": brokenGuard{may: errors.New("secret detail")},
		"both": contract.FirstGuard(brokenGuard{err: errors.New("secret detail")}, guards(t)),
	} {
		t.Run(name, func(t *testing.T) {
			o := notes()
			o.Guard = guard
			var log bytes.Buffer
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
			client := connect(t, serveAt(t, socketPath(t), memory(row(`{"id":1}`)), o), contract.DialOptions{})

			_, err := client.Operations(t.Context())
			if e := wantReason(t, err, contract.ReasonBackendUnavailable); !e.Retryable {
				t.Error("it may go away and is not marked so")
			}
			if strings.Contains(err.Error(), "secret detail") {
				t.Errorf("strangers learn of the inside: %v", err)
			}
			if !strings.Contains(log.String(), "secret detail") {
				t.Error("the log does not say why")
			}
		})
	}
}

func TestTokenFileIsReadAgain(t *testing.T) {
	o := notes()
	o.Guard = guards(t)
	address := serveAt(t, socketPath(t), memory(row(`{"id":1}`)), o)
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	write(string(importerToken) + "\n")
	client := connect(t, address, contract.DialOptions{Token: contract.TokenFile(file)})
	if _, _, err := export(t, client); codeOf(err) != codes.PermissionDenied {
		t.Errorf("got %v", err)
	}
	write(string(exporterToken) + "\n")
	if _, _, err := export(t, client); err != nil {
		t.Errorf("the new token is not used: %v", err)
	}

	for name, text := range map[string]string{"empty": "\n", "two": "a b", "too long": strings.Repeat("x", 1<<17)} {
		write(text)
		if _, _, err := export(t, client); codeOf(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "does not hold one token") {
			t.Errorf("%s: got %v", name, err)
		}
	}

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := contract.Dial(t.Context(), address,
		contract.DialOptions{Token: contract.TokenFile(file)}); codeOf(err) != codes.Unauthenticated ||
		!strings.Contains(err.Error(), "reading the token") {
		t.Errorf("got %v", err)
	}
}

// expiring identifies callers until it is closed.
type expiring struct {
	contract.Guard
	expired chan struct{}
}

func (e expiring) Identify(ctx context.Context, c contract.Credentials) (contract.Caller, error) {
	select {
	case <-e.expired:
		return contract.Caller{}, contract.ErrNotIdentified
	default:
		return e.Guard.Identify(ctx, c)
	}
}

// TestTokenExpiresInTheMiddle: what began goes on, what is new does not.
func TestTokenExpiresInTheMiddle(t *testing.T) {
	g := expiring{guards(t), make(chan struct{})}
	o := notes()
	o.Guard = g
	app := &scripted{App: memory(), rows: func(yield func(contract.Row, error) bool) {
		if yield(row(`{"id":1}`), nil) {
			close(g.expired)
			yield(row(`{"id":2}`), nil)
		}
	}}
	client := connect(t, serveAt(t, socketPath(t), app, o), contract.DialOptions{Token: fixedToken(exporterToken)})
	result, _, err := export(t, client)
	if err != nil || result.Datasets[0].Rows != 2 {
		t.Errorf("the export that had begun ended with %v", err)
	}
	if _, err := client.Verify(t.Context()); codeOf(err) != codes.Unauthenticated {
		t.Errorf("a new call ended with %v", err)
	}
}

func TestGuardsAreChecked(t *testing.T) {
	if _, err := contract.AllowTokens(contract.TokenGrant{
		Name: "x", Token: "short",
		Rights: []contract.Right{contract.RightExport},
	}); err == nil {
		t.Error("a short token is accepted")
	}
	if _, err := contract.AllowTokens(contract.TokenGrant{Name: "x", Token: exporterToken}); err == nil {
		t.Error("a token without rights is accepted")
	}
	if _, err := contract.AllowCertificates(map[string][]contract.Right{"a.example.com": {"everything"}}); err == nil {
		t.Error("an unknown right is accepted")
	}
	if _, err := contract.AllowCertificates(map[string][]contract.Right{"": {contract.RightExport}}); err == nil {
		t.Error("an empty name is accepted")
	}
}

func TestTokensAreNotPrinted(t *testing.T) {
	var log bytes.Buffer
	c := contract.Credentials{Token: exporterToken}
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", exporterToken, "all", c)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", exporterToken, "all", c)
	text := log.String() + fmt.Sprintf("%v %+v %#v %s %q", c, c, c, exporterToken, exporterToken)
	if strings.Contains(text, string(exporterToken)) {
		t.Errorf("printed: %s", text)
	}
}

func TestReflectionIsBehindTheGuard(t *testing.T) {
	for name, test := range map[string]struct {
		on    bool
		guard bool
		token contract.Token
		want  codes.Code
	}{
		"off":           {want: codes.Unimplemented},
		"on":            {on: true, want: codes.OK},
		"a stranger":    {on: true, guard: true, want: codes.Unauthenticated},
		"with a right":  {on: true, guard: true, token: importerToken, want: codes.OK},
		"off, guarded":  {guard: true, token: importerToken, want: codes.Unimplemented},
		"a wrong token": {on: true, guard: true, token: "stranger-0123456789abcdef", want: codes.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			o := notes()
			o.Reflection = test.on
			if test.guard {
				o.Guard = guards(t)
			}
			var d contract.DialOptions
			if test.token != "" {
				d.Token = fixedToken(test.token)
			}
			client := connect(t, serveAt(t, socketPath(t), memory(), o), d)
			stream, err := grpc_reflection_v1.NewServerReflectionClient(client.Connection()).ServerReflectionInfo(t.Context())
			if err != nil {
				t.Fatal(err)
			}

			// The answer shows it; what is sent into an ended stream is lost.
			_ = stream.Send(&grpc_reflection_v1.ServerReflectionRequest{
				MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{},
			})
			answer, err := stream.Recv()
			if status.Code(err) != test.want {
				t.Fatalf("got %v, want %s", err, test.want)
			}
			if err == nil && !strings.Contains(answer.String(), "appbur.contract.v1.AppState") {
				t.Errorf("the contract is not listed: %s", answer)
			}
		})
	}
}
