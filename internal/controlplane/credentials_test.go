//go:build unix

package controlplane

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

func TestCredentialsVerifyOneAnother(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	creds, err := newCredentials(dir, []net.IP{net.ParseIP(loopback), net.ParseIP("10.96.0.1")}, now)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(creds.path(servingCertFile), creds.path(servingKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(creds.ca) {
		t.Fatal("the authority is no PEM certificate")
	}
	for _, name := range []string{loopback, "10.96.0.1", "localhost", "kubernetes.default.svc"} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: now}); err != nil {
			t.Errorf("certificate for %s: %v", name, err)
		}
	}

	if err := creds.writeKubeconfig("kubernetes-1.24.17", "https://127.0.0.1:20000"); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", creds.path(kubeconfigFile))
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "https://127.0.0.1:20000" || config.BearerToken != creds.token || string(config.CAData) != string(creds.ca) {
		t.Errorf("kubeconfig gives host %q and token %q", config.Host, config.BearerToken)
	}
	for _, file := range []string{caFile, servingKeyFile, serviceAccountFile, tokenFile, kubeconfigFile} {
		info, err := os.Stat(creds.path(file))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, others may read it", file, info.Mode())
		}
	}
}
