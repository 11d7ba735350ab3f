package apps

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/exec"
	"github.com/appbur/appbur/pkg/contract"
)

// memory holds payloads as a restore point would.
// Payload makes what was stored the saved bytes.
func (s *store) Payload(_ appbur.AppKey, d appbur.Dataset) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s.payloads[d.Name].Bytes())), nil
}

// commands serves two commands over one file as an application, and returns the file.
func commands(t *testing.T, schema, mediaType string) (Target, string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "state")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}

	config, err := exec.ParseConfig([]byte(strings.NewReplacer("FILE", file, "VERSION", schema, "TYPE", mediaType).Replace(`
app: blobs
version: "1"
rollback: restore-previous
datasets:
  - {name: blob, schema: "VERSION", reads: ">= 1.0, <= VERSION", mediaType: TYPE, export: {argv: [cat, FILE]},
     import: {shell: 'cat > FILE; if [ "$APPBUR_SCHEMA" = 1.0 ] && [ VERSION = 2.0 ]; then echo converted >> FILE; fi'}}
`)), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}

	app, err := exec.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}

	server, err := contract.NewServer(app,
		contract.Options{ID: "blobs", Version: "1", Datasets: app.Datasets(), SpoolDir: filepath.Join(dir, "spool")})
	if err != nil {
		t.Fatal(err)
	}
	address := "unix://" + filepath.Join(dir, "s")
	listener, err := contract.Listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}

	ended := make(chan error, 1)
	ctx := t.Context() // ends before the cleanup
	go func() { ended <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return Target{AppKey: appbur.AppKey{Namespace: "n", Name: "blobs"}, Address: address}, file
}

// TestOpaque saves bytes that only an application reads, hands them back, and compares.
func TestOpaque(t *testing.T) {
	target, file := commands(t, "1.0", "application/x-blob")
	put := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	held := newStore()
	check := func(at Target, saved appbur.AppState) string {
		t.Helper()
		differences, err := Checker{Payloads: held, Random: rand.Reader}.Check(t.Context(), at, saved)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(differences, "; ")
	}
	put("\x00not rows at all")
	saved, err := Export(t.Context(), Dialer{}, target, held, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if d := saved.Datasets[0]; !d.Opaque() || d.Content() != "application/x-blob" || held.payloads["blob"].String() != "\x00not rows at all" {
		t.Errorf("%+v", d)
	}
	if got := check(target, saved); got != "" {
		t.Error(got)
	}
	put("something else")
	if got := check(target, saved); !strings.HasPrefix(got, "dataset blob: its 14 bytes differ from the 16 saved ones") {
		t.Error(got)
	}
	importer := Importer{Targets: []Target{target}, Payloads: held, Random: rand.Reader, ReadyTimeout: 10 * time.Second}
	imported, err := importer.Import(t.Context(), saved)
	if err != nil || !imported.Applied || imported.Datasets[0].Uncompared != "" {
		t.Fatalf("%+v, %v", imported, err)
	}
	if got := check(target, saved); got != "" {
		t.Error(got)
	}

	later, file := commands(t, "2.0", "application/x-blob")
	importer.Targets = []Target{later}
	imported, err = importer.Import(t.Context(), saved)
	if err != nil || imported.Datasets[0].Uncompared == "" {
		t.Errorf("an older schema: %+v, %v", imported, err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "\x00not rows at allconverted\n" {
		t.Errorf("%q, %v", got, err)
	}
	if got := check(later, saved); !strings.Contains(got, "cannot be compared with schema 2.0") {
		t.Error(got)
	}
	other, _ := commands(t, "1.0", "text/plain")
	importer.Targets = []Target{other}
	if _, err := importer.Import(t.Context(), saved); !errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), "it is text/plain now") {
		t.Errorf("another media type: %v", err)
	}
}
