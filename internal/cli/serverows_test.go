package cli

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// ServeRows serves an application with one dataset until the test ends, for the stories of the command line, and
// returns its address.
func ServeRows(t *testing.T, id, text string, sensitive bool) (address string) {
	t.Helper()
	return ServeRelease(t, id, "2.0.0", text, contract.Dataset{Name: "rows", Schema: "1.0", Key: []string{"id"}, Clear: !sensitive})
}

// ServeRelease is [ServeRows] for a version of the application, with its own dataset.
func ServeRelease(t *testing.T, id, version, text string, dataset contract.Dataset) (address string) {
	t.Helper()
	var rows []contract.Row
	for line := range strings.Lines(text) {
		rows = append(rows, contract.Row(strings.TrimSpace(line)))
	}
	dir, err := os.MkdirTemp("", "appbur") // a short name: that of a socket has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })

	state := contracttest.NewMemory(map[string][]contract.Row{dataset.Name: rows})
	return serveApp(t, "unix://"+filepath.Join(dir, "s"), state, contract.Options{
		ID: id, Version: version, Log: slog.New(slog.DiscardHandler), SpoolDir: t.TempDir(),
		Datasets: []contract.Dataset{dataset},
	})
}
