package cli

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// serveApp serves an application until the test ends and returns its address.
func serveApp(t *testing.T, address string, app contract.App, o contract.Options) string {
	t.Helper()
	server, err := contract.NewServer(app, o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := contract.Listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()

	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})

	if strings.HasPrefix(address, "unix:") {
		return address
	}
	return l.Addr().String()
}

// serveRows serves an application with so many rows of some hundred bytes.
func serveRows(t *testing.T, n int) (address string) {
	t.Helper()
	rows := make([]contract.Row, n)
	for i := range rows {
		rows[i] = contract.Row(fmt.Sprintf(`{"id":%d,"text":%q}`, i, strings.Repeat("x", 100)))
	}
	state := contracttest.NewMemory(map[string][]contract.Row{"rows": rows})
	return serveApp(t, "unix://"+filepath.Join(t.TempDir(), "s"), state, contract.Options{
		ID: "example.com", Version: "1.0.0", Log: slog.New(slog.DiscardHandler), SpoolDir: t.TempDir(),
		Datasets: []contract.Dataset{{Name: "rows", Schema: "1.0", Key: []string{"id"}, Clear: true}},
	})
}
