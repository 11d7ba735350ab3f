package serve

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

const config = "app: billing\ndatabase: {dsnFromEnv: DSN}\ntables: [{table: a}]\n"

// fake is an adapter without a database.
type fake struct{ *contracttest.Memory }

func (fake) Datasets() []contract.Dataset {
	return []contract.Dataset{{Name: "a", Schema: "1.0", Key: []string{"id"}}}
}

func getenv(string) string { return "somewhere" }

func program(stdout, stderr *bytes.Buffer, args ...string) Program {
	return Program{Name: "appbur-x", About: "Serves nothing.", Args: args, Stdout: stdout, Stderr: stderr}
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestMainServesUntilItIsTold(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	socket := "unix://" + filepath.Join(t.TempDir(), "s")
	var stdout, stderr bytes.Buffer

	code := make(chan int, 1)
	go func() {
		code <- Main(ctx, program(&stdout, &stderr, "--config", write(t, config), "--contract", socket),
			Tables(getenv, func(_ context.Context, c tables.Config, _ *slog.Logger) (fake, error) {
				if c.DSN != "somewhere" {
					t.Errorf("the connection string is %q", c.DSN)
				}
				return fake{contracttest.NewMemory(nil)}, nil
			}))
	}()

	client, err := contract.Dial(t.Context(), socket, contract.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := client.Info(t.Context())
	if err != nil || info.App != "billing" || info.Version != "unversioned" || len(info.Datasets) != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	client.Close()
	stop()
	if got := <-code; got != exitDone || stdout.String() != "ready "+socket+"\n" {
		t.Errorf("exit code %d, stdout %q, stderr %q", got, &stdout, &stderr)
	}
}

func TestMainRefuses(t *testing.T) {
	good := write(t, config)
	broken := appbur.WithHint(errors.New("no database there"), "start it")

	for name, c := range map[string]struct {
		args []string
		code int
		want []string
	}{
		"help":              {[]string{"-h"}, exitDone, []string{"Usage: appbur-x"}},
		"nothing":           {nil, exitUsage, []string{"--config and --contract are needed"}},
		"unknown flag":      {[]string{"--colour"}, exitUsage, []string{"colour"}},
		"half a key pair":   {[]string{"--config", good, "--contract", "x:1", "--tls-cert", "c"}, exitUsage, []string{"go together"}},
		"no such file":      {[]string{"--config", good + "x", "--contract", "x:1"}, exitFailed, []string{"reading the configuration"}},
		"bad configuration": {[]string{"--config", write(t, "app: A"), "--contract", "x:1"}, exitFailed, []string{"config.yaml: app"}},
		"no such certificate": {
			[]string{"--config", good, "--contract", "x:1", "--tls-cert", "c", "--tls-key", "k", "--client-ca", "a"},
			exitFailed,
			[]string{"reading the certificate"},
		},
		"anybody may call": {
			[]string{"--config", good, "--contract", "x:1", "--tls-cert", "c", "--tls-key", "k"},
			exitFailed,
			[]string{"hint: give --client-ca"},
		},
		"adapter does not open": {
			[]string{"--config", good, "--contract", "unix:///nowhere"},
			exitFailed,
			[]string{"error: no database there", "hint: start it"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			got := Main(t.Context(), program(&stdout, &stderr, c.args...),
				Tables(getenv, func(context.Context, tables.Config, *slog.Logger) (fake, error) { return fake{}, broken }))
			if got != c.code || stdout.Len() > 0 {
				t.Errorf("exit code %d, want %d; stdout %q", got, c.code, &stdout)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("stderr does not say %q:\n%s", want, &stderr)
				}
			}
		})
	}
}
