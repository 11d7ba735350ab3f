package apps

import (
	"cmp"
	"context"
	"log/slog"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
)

// serveAt runs an application until the test ends, and returns its address. It has one dataset of rows, unless the options
// say otherwise.
func serveAt(t *testing.T, address string, app contract.App, o contract.Options) string {
	t.Helper()
	o.ID, o.Version, o.Log, o.SpoolDir = "example.com", cmp.Or(o.Version, "1.0.0"), slog.New(slog.DiscardHandler), t.TempDir()
	if o.Datasets == nil {
		o.Datasets = []contract.Dataset{{Name: "rows", Schema: "1.0", Key: []string{"id"}, Clear: true}}
	}
	server, err := contract.NewServer(app, o)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := contract.Listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if listener.Addr().Network() == "unix" {
		return address
	}
	return listener.Addr().String()
}
