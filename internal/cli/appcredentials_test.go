package cli

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// writePair makes a self-signed certificate for loopback and returns its files.
func writePair(t *testing.T, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}

	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	writeFile(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	writeFile(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
	return certFile, keyFile
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serveGuarded runs an application over TLS that lets in what its guard knows.
func serveGuarded(t *testing.T, serverCert, serverKey, clientCert string, token contract.Token) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(serverCert, serverKey)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(clientCert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)

	tokens, err := contract.AllowTokens(
		contract.TokenGrant{Name: "backup", Token: token, Rights: []contract.Right{contract.RightExport}},
		contract.TokenGrant{Name: "restore", Token: token + "-restore", Rights: []contract.Right{contract.RightImport}})
	if err != nil {
		t.Fatal(err)
	}

	names, err := contract.AllowCertificates(map[string][]contract.Right{"client": {contract.RightExport}})
	if err != nil {
		t.Fatal(err)
	}
	return serveApp(t, "127.0.0.1:0", contracttest.NewMemory(map[string][]contract.Row{"notes": {contract.Row(`{"id":1}`)}}), contract.Options{
		ID: "notes", Version: "1", Datasets: []contract.Dataset{{Name: "notes", Schema: "1.0", Key: []string{"id"}}},
		TLS: &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven,
			MinVersion: tls.VersionTLS12,
		},
		Guard: contract.FirstGuard(tokens, names),
	})
}

// An application that demands a certificate, and one whose own is not trusted, end with
// the code of credentials and a hint that names the flags, at once.
func TestAppCertificates(t *testing.T) {
	dir := t.TempDir()
	serverCert, serverKey := writePair(t, dir, "server")
	clientCert, clientKey := writePair(t, dir, "client")
	strangerCert, strangerKey := writePair(t, dir, "stranger")
	address := serveDemanding(t, serverCert, serverKey, clientCert)

	for name, test := range map[string]struct {
		args []string
		code int
		hint []string
	}{
		"the right one": {[]string{"--app-ca", serverCert, "--app-cert", clientCert, "--app-key", clientKey}, ExitDone, nil},
		"none":          {[]string{"--app-ca", serverCert}, ExitCredentials, []string{"--app-cert", "--app-key", "--app-ca"}},
		"a stranger's": {
			[]string{"--app-ca", serverCert, "--app-cert", strangerCert, "--app-key", strangerKey},
			ExitCredentials,
			[]string{"--app-cert", "--app-key", "--app-ca"},
		},
		"no authority": {[]string{"--app-cert", clientCert, "--app-key", clientKey}, ExitCredentials, []string{"--app-ca"}},
		"plain text":   {nil, ExitCredentials, []string{"--app-ca"}},
	} {
		t.Run(name, func(t *testing.T) {
			var o appOptions
			command := &cobra.Command{}
			o.addFlags(command, "")
			if err := command.ParseFlags(append([]string{"--app", "notes=" + address}, test.args...)); err != nil {
				t.Fatal(err)
			}
			_, err := exportWith(t, &o)
			if got := exitCode(err); got != test.code {
				t.Errorf("exit code %d, want %d: %v", got, test.code, err)
			}
			for _, flag := range test.hint {
				if !strings.Contains(hintOf(err), flag) {
					t.Errorf("the hint %q does not name %s (%v)", hintOf(err), flag, err)
				}
			}
		})
	}
}

// serveDemanding runs an application that demands a certificate of one client.
func serveDemanding(t *testing.T, serverCert, serverKey, clientCert string) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(serverCert, serverKey)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(clientCert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return serveApp(t, "127.0.0.1:0", contracttest.NewMemory(map[string][]contract.Row{"notes": {contract.Row(`{"id":1}`)}}), contract.Options{
		ID: "notes", Version: "1", Datasets: []contract.Dataset{{Name: "notes", Schema: "1.0", Key: []string{"id"}}},
		TLS: &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
			MinVersion: tls.VersionTLS12,
		},
	})
}

// TestAppCredentials goes from the flags of a command to the bytes of an
// application that lets nobody in without credentials.
func TestAppCredentials(t *testing.T) {
	dir := t.TempDir()
	serverCert, serverKey := writePair(t, dir, "server")
	clientCert, clientKey := writePair(t, dir, "client")
	const token = "backup-0123456789abcdef"
	tokenFile, wrong, importing, empty := filepath.Join(dir, "token"), filepath.Join(dir, "wrong"), filepath.Join(dir,
		"importing"), filepath.Join(dir, "empty")
	writeFile(t, tokenFile, token+"\n")
	writeFile(t, wrong, "stranger-0123456789abcdef")
	writeFile(t, importing, token+"-restore")
	writeFile(t, empty, "\n")
	address := serveGuarded(t, serverCert, serverKey, clientCert, token)

	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"a token":          {[]string{"--app-ca", serverCert, "--app-token-file", tokenFile}, ExitDone, ""},
		"a certificate":    {[]string{"--app-ca", serverCert, "--app-cert", clientCert, "--app-key", clientKey}, ExitDone, ""},
		"nothing":          {[]string{"--app-ca", serverCert}, ExitCredentials, "no credentials"},
		"a wrong token":    {[]string{"--app-ca", serverCert, "--app-token-file", wrong}, ExitCredentials, "no credentials"},
		"another's token":  {[]string{"--app-ca", serverCert, "--app-token-file", importing}, ExitCredentials, "may not export"},
		"an empty file":    {[]string{"--app-ca", serverCert, "--app-token-file", empty}, ExitCredentials, "does not hold one token"},
		"no file":          {[]string{"--app-ca", serverCert, "--app-token-file", filepath.Join(dir, "none")}, ExitCredentials, "no such file"},
		"a token in clear": {[]string{"--app-insecure", "--app-token-file", tokenFile}, ExitUsage, "do not go together"},
		"half a pair":      {[]string{"--app-ca", serverCert, "--app-cert", clientCert}, ExitUsage, "go together"},
	} {
		t.Run(name, func(t *testing.T) {
			var o appOptions
			command := &cobra.Command{}
			o.addFlags(command, "")
			if err := command.ParseFlags(append([]string{"--app", "notes=" + address}, test.args...)); err != nil {
				t.Fatal(err)
			}
			exported, err := exportWith(t, &o)
			if got := exitCode(err); got != test.code {
				t.Fatalf("exit code %d, want %d: %v", got, test.code, err)
			}
			if err == nil {
				if got := exported["notes"].String(); got != "{\"id\":1}\n" {
					t.Errorf("exported %q", got)
				}
				return
			}
			var usage *usageError
			if !strings.Contains(err.Error(), test.says) || appbur.HintOf(err) == "" && !errors.As(err, &usage) {
				t.Errorf("got %v (hint %q), want it to say %q", err, appbur.HintOf(err), test.says)
			}
			if strings.Contains(err.Error()+appbur.HintOf(err), "0123456789abcdef") {
				t.Errorf("the token is printed: %v", err)
			}
		})
	}
}

// memoryStore keeps payloads by dataset.
type memoryStore map[string]*bytes.Buffer

func (m memoryStore) Dataset(_ appbur.AppKey, d appbur.Dataset) (io.WriteCloser, error) {
	m[d.Name] = &bytes.Buffer{}
	return keptOpen{m[d.Name]}, nil
}

type keptOpen struct{ io.Writer }

func (keptOpen) Close() error { return nil }

func exportWith(t *testing.T, o *appOptions) (memoryStore, error) {
	t.Helper()
	targets, err := o.parse()
	if err != nil {
		return nil, err
	}
	dialer, err := o.dialer()
	if err != nil {
		return nil, err
	}
	store := memoryStore{}
	_, err = apps.Export(t.Context(), dialer, targets[0], store, rand.Reader)
	return store, err
}
