package audittest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Files are what the two sides of a webhook are configured with, all of one authority.
type Files struct{ dir string }

// NewFiles writes them, for a receiver that is found at an address. examples is the directory deploy/audit.
func NewFiles(t testing.TB, examples, host, port string) Files {
	t.Helper()
	f := Files{t.TempDir()}
	authority := NewAuthority(t)
	certificate, key := authority.Issue(t, "appbur", host)
	client, clientKey := authority.Issue(t, "kube-apiserver", host)
	example, err := os.ReadFile(filepath.Join(examples, "webhook.kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile(filepath.Join(examples, "policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}

	kubeconfig := strings.NewReplacer("10.96.200.20:9443", host+":"+port, "/etc/kubernetes/audit", f.dir).Replace(string(example))
	for name, text := range map[string][]byte{
		"tls.crt": certificate, "tls.key": key, "ca.crt": authority.PEM, "client.crt": client, "client.key": clientKey,
		"webhook.kubeconfig": []byte(kubeconfig), "policy.yaml": policy,
	} {
		if err := os.WriteFile(f.path(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func (f Files) path(name string) string { return filepath.Join(f.dir, name) }

// Sends are the flags of an API server that sends events at once.
func (f Files) Sends() []string {
	return []string{
		"--audit-policy-file=" + f.path("policy.yaml"), "--audit-webhook-config-file=" + f.path("webhook.kubeconfig"),
		"--audit-webhook-batch-max-wait=50ms", "--audit-webhook-initial-backoff=200ms",
	}
}

// Receives are the flags of a daemon that takes them at an address.
func (f Files) Receives(address string) []string {
	return []string{
		"--audit-listen", address, "--audit-cert", f.path("tls.crt"), "--audit-key", f.path("tls.key"),
		"--audit-client-ca", f.path("ca.crt"), "--audit-client-name", "kube-apiserver",
	}
}
