package cli

import (
	"context"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
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
