package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// fileGuard lets in who shows the token that a file holds now.
type fileGuard string

func (g fileGuard) Identify(_ context.Context, c contract.Credentials) (contract.Caller, error) {
	valid, err := os.ReadFile(string(g))
	if err != nil {
		return contract.Caller{}, err
	}
	if strings.TrimSpace(string(valid)) != string(c.Token) {
		return contract.Caller{}, contract.ErrNotIdentified
	}
	return contract.Caller{Name: "kit", May: func(context.Context, contract.Right) (bool, error) { return true, nil }}, nil
}

// TestConformanceWithToken: the token goes with the calls of the client and with those
// of the kit's own connections, and a command may replace it.
func TestConformanceWithToken(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	dir := t.TempDir()
	cert, key := writePair(t, dir, "server")
	tokenFile := filepath.Join(dir, "token")
	writeFile(t, tokenFile, "first-0123456789abcdef\n")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	var rows []contract.Row
	for i := range 400 {
		rows = append(rows, contract.Row(fmt.Sprintf(`{"id":%d,"text":"%060d"}`, i, i)))
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	config.ClientAuth = tls.VerifyClientCertIfGiven
	address := serveApp(t, "127.0.0.1:0", contracttest.NewMemory(map[string][]contract.Row{"notes": rows}), contract.Options{
		ID: "notes", Version: "1", Datasets: []contract.Dataset{{Name: "notes", Schema: "1.0", Key: []string{"id"}}},
		TLS: config, Guard: fileGuard(tokenFile), SpoolDir: filepath.Join(dir, "spool"),
	})

	run := func(more ...string) (string, error) {
		e, out, errs := testEnv(false)
		command := newConformance(e)
		command.SetArgs(append([]string{
			address, "--app-ca", cert, "--app-token-file", tokenFile, "--destructive", "--strict",
			"--run", "INFO|EXP-00[5-8]|IMP-006|NET-00[1-4]|NET-011",
		}, more...))
		command.SilenceErrors, command.SilenceUsage = true, true
		err := command.ExecuteContext(t.Context())
		return out.String() + errs.String(), err
	}
	out, err := run("--expire-cmd", fmt.Sprintf("echo second-0123456789abcdef > '%s'", tokenFile))
	if err != nil || !strings.Contains(out, "passed         NET-002") || !strings.Contains(out, "passed         NET-001") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(out, "0123456789abcdef") {
		t.Errorf("the token is printed:\n%s", out)
	}
	if now, err := os.ReadFile(tokenFile); err != nil || !strings.HasPrefix(string(now), "second") {
		t.Errorf("the token was not replaced: %q, %v", now, err)
	}
	// Without the command the case about expiry is not run, which is said aloud.
	if out, err := run(); exitCode(err) != ExitFailed || !strings.Contains(out, "not run        NET-002") {
		t.Errorf("exit code %d: %v\n%s", exitCode(err), err, out)
	}
}
