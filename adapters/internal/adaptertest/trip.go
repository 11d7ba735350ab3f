package adaptertest

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/pkg/contract"
)

// Saved is what a backup keeps of an application, in memory.
type Saved struct {
	State    appbur.AppState
	payloads map[string]*bytes.Buffer
}

// Payload implements [apps.Payloads].
func (s *Saved) Payload(_ appbur.AppKey, d appbur.Dataset) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s.payloads[d.Name].Bytes())), nil
}

// Dataset implements [apps.Store].
func (s *Saved) Dataset(_ appbur.AppKey, d appbur.Dataset) (io.WriteCloser, error) {
	s.payloads[d.Name] = &bytes.Buffer{}
	return open{s.payloads[d.Name]}, nil
}

type open struct{ io.Writer }

func (open) Close() error { return nil }

// Running is an adapter that is served at a unix socket, as its command does it, until
// the test ends. What a user's backup, restore and verify do with it goes over the wire.
type Running struct{ target apps.Target }

// Run serves an adapter.
func Run(t testing.TB, a Adapter) Running {
	t.Helper()
	server, err := contract.NewServer(a, contract.Options{ID: "test", Version: "1", Datasets: a.Datasets()})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "appbur") // a short name: that of a socket has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	address := "unix://" + filepath.Join(dir, "a")
	listener, err := contract.Listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serving: %v", err)
		}
		_ = os.RemoveAll(dir) // is left in the directory for temporary files
	})
	return Running{apps.Target{AppKey: appbur.AppKey{Namespace: "default", Name: "test"}, Address: address}}
}

// Backup saves the complete state.
func (r Running) Backup(t testing.TB) (*Saved, error) {
	t.Helper()
	s := &Saved{payloads: map[string]*bytes.Buffer{}}
	var err error
	s.State, err = apps.Export(t.Context(), apps.Dialer{}, r.target, s, rand.Reader)
	return s, err
}

// Restore hands the state back, compares what came of it, and returns what the report
// of a restore says of each dataset besides its rows.
func (r Running) Restore(t testing.TB, s *Saved) (notes []string, err error) {
	t.Helper()
	importer := &apps.Importer{Targets: []apps.Target{r.target}, Payloads: s, Random: rand.Reader, ReadyTimeout: time.Minute}
	imported, err := importer.Import(t.Context(), s.State)
	for _, d := range imported.Datasets {
		notes = append(append(notes, d.Dropped...), d.Filled...)
	}
	return notes, err
}

// Verify compares the state with what is saved and returns the differences.
func (r Running) Verify(t testing.TB, s *Saved) ([]string, error) {
	t.Helper()
	return apps.Checker{Payloads: s, Random: rand.Reader}.Check(t.Context(), r.target, s.State)
}
