//go:build integration

package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/appbur/appbur/adapters/exec"
	"github.com/appbur/appbur/pkg/contract"
)

// serveBlob serves a file as the opaque state of an application, by real commands, and
// returns the address.
func serveBlob(t *testing.T, file string) string {
	t.Helper()
	config, err := exec.ParseConfig([]byte(strings.ReplaceAll(`
app: blobs
version: "7"
rollback: restore-previous
datasets:
  - {name: blob, schema: "1.0", mediaType: application/x-blob, sensitive: false,
     export: {argv: [cat, FILE]}, import: {shell: cat > FILE}}
`, "FILE", file)), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}

	app, err := exec.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "appbur") // the name of a socket has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return serveApp(t, "unix://"+filepath.Join(dir, "s"), app, contract.Options{
		ID: config.App, Version: "7", Datasets: app.Datasets(), SpoolDir: filepath.Join(dir, "spool"),
	})
}

// noRows is what must not be said of state that has no rows.
var noRows = regexp.MustCompile(`\b0 (rows|records|items)\b`)

// opaqueStateIsTold runs every command that tells of the state of an application over
// one whose state only the application reads: its type and size are told, not 0 rows.
func opaqueStateIsTold(t *testing.T, s *story, kubeconfig string) {
	file := filepath.Join(t.TempDir(), "state")
	put := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("\x00not rows at all")
	app := "team/blobs=" + serveBlob(t, file)
	tells := func(want string, args ...string) string {
		t.Helper()
		_, out, errs := s.run(args...)
		if !strings.Contains(out, want) {
			t.Errorf("%s does not say %q: %s%s", args[0], want, out, errs)
		}
		if said := noRows.FindString(out + errs); said != "" {
			t.Errorf("%s says %q: %s%s", args[0], said, out, errs)
		}
		return out
	}

	here := []string{"--repo", s.repo, "--keys", s.keys}
	target := append(here, "--kubeconfig", kubeconfig)
	on := func(args []string, more ...string) []string { return append(append([]string{}, more...), args...) }
	tells("blob, schema 1.0, application/x-blob, 16 B", on(target, "backup", "--app", app)...)
	put("other bytes, and more")
	tells(`"mediaType": "application/x-blob"`, on(target, "backup", "--app", app, "--json")...)

	tells("application/x-blob, 21 B", on(here, "points", "show", "latest")...)
	tells(`"size": 21`, on(here, "points", "show", "latest", "--json")...)
	tells("", on(here, "points", "list")...)
	tells("team/blobs", on(here, "apps", "list")...)
	points := strings.Fields(s.git("for-each-ref", "--sort=refname", "--format=%(refname:lstrip=3)", "refs/tags/restore-points"))
	tells("application/x-blob, 16 B -> ", on(here, "points", "diff", points[len(points)-2], points[len(points)-1])...)
	if message := s.git("tag", "--list", "-n99", "restore-points/"+points[len(points)-1]); !strings.Contains(message,
		"application/x-blob, 21 bytes") {
		t.Errorf("the tag says %s", message)
	}

	tells("team/blobs: blobs 7, 1 datasets", on(target, "plan", "latest")...)
	tells("", on(target, "verify", "latest", "--app", app)...)
	code, out, _ := s.run(on(target, "verify", "latest", "--app", "team/blobs=unix:///nowhere/app.sock")...)
	if code == ExitDone || !strings.Contains(out, "owner references checked, 0 findings") || !strings.Contains(out, "not compared:") {
		t.Errorf("with the application down: exit code %d\n%s", code, out)
	}
	put("changed, ")
	if _, out, errs := s.run(on(target, "verify", "latest", "--app", app)...); !strings.Contains(out+errs,
		"its 9 bytes differ from the 21 saved ones") {
		t.Errorf("verify says %s%s", out, errs)
	}
	tells("blob: application/x-blob, 21 B, schema 1.0",
		on(target, "restore", "latest", "--app", app, "--yes", "--undo-newer", "--force-conflicts")...)
	tells(`"mediaType": "application/x-blob"`,
		on(target, "restore", "latest", "--app", app, "--yes", "--undo-newer", "--force-conflicts", "--json")...)
	tells("needs a state of at least 16384 bytes, this one has 21", "conformance", strings.TrimPrefix(app, "team/blobs="), "--destructive",
		"--idle", "0")
}
