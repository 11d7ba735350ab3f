package serve

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/appbur/appbur/adapters/internal/tables"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// insides are words of the language that tell a user nothing.
var insides = regexp.MustCompile(`strconv\.|parse error|not defined|cannot unmarshal|[^.]yaml: |!!|\bflag needs\b`)

// Whatever is wrong with the command line of an adapter or what it names is told in two
// lines: what, and what to do with which flag.
func TestEveryMistakeHasAdvice(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	dir := t.TempDir()
	file, good := write(t, "no PEM"), write(t, config)
	socket := "unix://" + filepath.Join(dir, "s")
	at := func(address string, more ...string) []string {
		return append([]string{"--config", good, "--contract", address}, more...)
	}

	for name, c := range map[string]struct {
		args       []string
		code       int
		want, hint string
	}{
		"a flag that is none":        {[]string{"--colour"}, exitUsage, "unknown flag: --colour", "appbur-x --help"},
		"a switch that is no switch": {[]string{"--insecure=maybe"}, exitUsage, `--insecure: "maybe" is not true or false`, "appbur-x --help"},
		"a flag without its value":   {[]string{"--config"}, exitUsage, "--config needs a value", "appbur-x --help"},
		"an argument":                {at(socket, "more"), exitUsage, `"more" is no flag`, "appbur-x --help"},
		"nothing":                    {nil, exitUsage, "--config and --contract are needed", "--contract ADDRESS"},
		"half a pair":                {at("127.0.0.1:0", "--tls-cert", file), exitUsage, "go together", "--tls-cert and --tls-key"},
		"callers without a server":   {at("127.0.0.1:0", "--client-ca", file), exitUsage, "--client-ca needs", "certificate"},

		"no configuration": {[]string{"--config", file + "x", "--contract", socket}, exitFailed, "no such file", "--config"},
		"a directory":      {[]string{"--config", dir, "--contract", socket}, exitFailed, "is a directory", "--config"},
		"a configuration that is none": {
			[]string{"--config", file, "--contract", socket},
			exitFailed, "`no PEM` stands where a mapping",
			"every setting",
		},
		"a wrong type": {
			[]string{"--config", write(t, config+"metrics: [1]\n"), "--contract", socket},
			exitFailed, "metrics",
			"every setting",
		},
		"no certificate in it": {
			at("127.0.0.1:0", "--tls-cert", file, "--tls-key", file, "--client-ca", file), exitFailed,
			"reading the certificate", "--tls-cert",
		},
		"a token that is none": {at(socket, "--export-token", file), exitFailed, "token", "openssl rand"},
		"no file of a token":   {at(socket, "--export-token", file+"x"), exitFailed, "reading a token", "--export-token"},

		"a port in use":           {at(busy.Addr().String(), "--insecure"), exitFailed, "--contract: listening at", "choose another port"},
		"somebody else's address": {at("192.0.2.1:7443", "--insecure"), exitFailed, "--contract: listening at", "no such address"},
		"no port":                 {at("127.0.0.1", "--insecure"), exitFailed, "--contract: listening at", "host:port"},
		"a port that is a word":   {at("127.0.0.1:port", "--insecure"), exitFailed, "--contract: listening at", "host:port"},
		"no directory of it":      {at("unix://" + dir + "/none/s"), exitFailed, "--contract: listening at", "directory of a socket"},
		"a path that is too long": {at("unix://" + dir + "/" + strings.Repeat("s", 200)), exitFailed, "too long", "107 bytes"},
		"a relative socket":       {at("unix://s"), exitFailed, "not absolute", "unix:///path"},
		"a spool that is a file":  {at(socket, "--spool-dir", file), exitFailed, "spool directory", "--spool-dir"},
		"a spool in /proc":        {at(socket, "--spool-dir", "/proc/none"), exitFailed, "spool directory", "--spool-dir"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			ended, stop := context.WithCancel(t.Context())
			stop() // whatever is accepted ends at once
			got := Main(ended, program(&stdout, &stderr, c.args...),
				Tables(getenv, func(context.Context, tables.Config, *slog.Logger) (fake, error) {
					return fake{contracttest.NewMemory(nil)}, nil
				}))

			said, hint, _ := strings.Cut(stderr.String(), "appbur-x: hint: ")
			if got != c.code || !strings.HasPrefix(said, "appbur-x: error: ") || !strings.Contains(said, c.want) || !strings.Contains(hint, c.hint) {
				t.Errorf("exit code %d, want %d and %q with the hint %q:\n%s", got, c.code, c.want, c.hint, &stderr)
			}
			if words := insides.FindString(stderr.String()); words != "" {
				t.Errorf("it speaks of %q:\n%s", words, &stderr)
			}
		})
	}

	if _, err := os.Stat(filepath.Join(dir, "s")); err == nil {
		t.Error("a socket is left")
	}
}
