package apps

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// printing is an application that has fingerprints.
type printing struct {
	contract.App
	token string
}

func (p *printing) Fingerprint(context.Context, string) ([]byte, error) { return []byte(p.token), nil }

// A mark is another one when the state has changed, and there is none of an application that cannot tell.
func TestAMarkChangesWithTheState(t *testing.T) {
	memory := contracttest.NewMemory(map[string][]contract.Row{"rows": {contract.Row(`{"id":1}`)}})
	serve := func(app contract.App, version string) Target {
		server, err := contract.NewServer(app, contract.Options{
			ID: "example.com", Version: version, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), SpoolDir: t.TempDir(),
			Datasets: []contract.Dataset{{Name: "rows", Schema: "1.0", Key: []string{"id"}, Clear: true}},
		})
		if err != nil {
			t.Fatal(err)
		}
		address := "unix://" + filepath.Join(t.TempDir(), "s")
		listener, err := contract.Listen(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		done := make(chan error, 1)
		go func() { done <- server.Serve(ctx, listener) }()
		t.Cleanup(func() { cancel(); <-done })
		return Target{AppKey: appbur.AppKey{Namespace: "team", Name: "app"}, Address: address}
	}
	mark := func(target Target) string {
		t.Helper()
		text, err := Mark(t.Context(), Dialer{}, target)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}

	app := &printing{memory, "one"}
	target := serve(app, "1.0.0")
	first := mark(target)
	if first == "" || mark(target) != first {
		t.Errorf("the same state has the marks %q and %q", first, mark(target))
	}
	app.token = "two"
	if mark(target) == first {
		t.Error("another state has the same mark")
	}
	app.token = "one"
	if other := mark(serve(app, "1.1.0")); other == first || !strings.Contains(other, "1.1.0") {
		t.Errorf("another version has the mark %q", other)
	}
	if text := mark(serve(memory, "1.0.0")); text != "" {
		t.Errorf("an application without fingerprints has the mark %q", text)
	}
}
