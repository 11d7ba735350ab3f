//go:build integration && unix

package deprecatedcalls

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/testcluster"
)

const policy = `
apiVersion: audit.k8s.io/v1
kind: Policy
rules: [{level: Metadata}]
`

// A client that calls a version which 1.25 does not serve is named by the log of a server of 1.24, with what it calls;
// one that calls the stable version is not.
func TestAServerNamesTheClient(t *testing.T) {
	dir := t.TempDir()
	policyFile, logFile := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "audit.log")
	if err := os.WriteFile(policyFile, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	version := appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}
	cluster := testcluster.NewWith(t, testcluster.Options{Version: version, APIServerArgs: []string{
		"--audit-policy-file=" + policyFile, "--audit-log-path=" + logFile, "--audit-log-mode=blocking",
	}})
	client := func(program string) kubernetes.Interface {
		config := cluster.RESTConfig()
		config.UserAgent = program + "/v1.0 (linux/amd64)"
		clients, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		return clients
	}

	if _, err := client("old-operator").PolicyV1beta1().PodDisruptionBudgets("").List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client("new-operator").PolicyV1().PodDisruptionBudgets("").List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}

	// The server writes the event once it has answered.
	for ; ; time.Sleep(50 * time.Millisecond) {
		text, err := os.ReadFile(logFile)
		if err != nil {
			t.Fatal(err)
		}
		log, err := Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		var old *Calls
		for i, c := range log.Calls {
			switch c.Program {
			case "old-operator":
				old = &log.Calls[i]
			case "new-operator":
				t.Fatalf("the client of the stable version is named: %+v", c)
			}
		}
		if old == nil {
			if t.Context().Err() != nil {
				t.Fatalf("the client is not named in %d events", log.Events)
			}
			continue
		}
		if old.API() != "policy/v1beta1 poddisruptionbudgets" || old.Removed != (appbur.KubeVersion{Major: 1, Minor: 25}) || old.Count != 1 {
			t.Errorf("got %+v", *old)
		}
		return
	}
}
