package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// gauge is a store that counts how many applications are under way. Each waits in its
// first dataset until the wanted number has come together.
type gauge struct {
	mu        sync.Mutex
	now, most int
	whole     int
	wanted    int
	together  chan struct{}
	fail      string
	failure   error
}

type nothing struct{}

func (nothing) Write(data []byte) (int, error) { return len(data), nil }
func (nothing) Close() error                   { return nil }

func (g *gauge) Dataset(key appbur.AppKey, _ appbur.Dataset) (io.WriteCloser, error) {
	if key.Name == g.fail {
		return nil, g.failure
	}
	g.mu.Lock()
	g.now++
	g.most = max(g.most, g.now)
	if g.now == g.wanted {
		select {
		case <-g.together:
		default:
			close(g.together)
		}
	}
	g.mu.Unlock()
	<-g.together
	return nothing{}, nil
}

func (g *gauge) Application(appbur.AppState) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now--
	g.whole++
	return nil
}

// serveApps runs small applications until the test ends.
func serveApps(t *testing.T, n int) []apps.Target {
	t.Helper()
	var targets []apps.Target
	for i := range n {
		address := "unix://" + filepath.Join(t.TempDir(), "s")
		server, err := contract.NewServer(contracttest.NewMemory(map[string][]contract.Row{"rows": {contract.Row(`{"id":1}`)}}), contract.Options{
			ID: "example.com", Version: "1.0.0", Log: slog.New(slog.DiscardHandler), SpoolDir: t.TempDir(),
			Datasets: []contract.Dataset{{Name: "rows", Schema: "1.0", Key: []string{"id"}, Clear: true}},
		})
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
		targets = append(targets, apps.Target{AppKey: appbur.AppKey{Namespace: "team", Name: fmt.Sprint("app", i)}, Address: address})
	}
	return targets
}

// Applications are asked beside the capture, several at once and never more than the
// bound.
func TestExportsRunBesideTheCapture(t *testing.T) {
	m := &Maker{Random: rand.Reader, Observer: &heard{}}
	store := &gauge{wanted: parallelExports, together: make(chan struct{})}
	exports, _ := m.beginExports(t.Context(), serveApps(t, 2*parallelExports), store, appbur.RestorePoint{})
	// The capture ends only when the exports have come together: they do not wait for
	// it.
	if err := exports.beside(func() error { <-store.together; return nil }); err != nil {
		t.Fatal(err)
	}
	if store.most != parallelExports || store.whole != 2*parallelExports {
		t.Errorf("%d at once, %d in all", store.most, store.whole)
	}
}

// Whoever fails first ends all others, and is what the user hears of.
func TestExportsAndCaptureFailTogether(t *testing.T) {
	m := &Maker{Random: rand.Reader, Observer: &heard{}}
	open := make(chan struct{})
	close(open)
	lost := errors.New("lost")
	store := &gauge{together: open, fail: "app1", failure: lost}
	exports, ctx := m.beginExports(t.Context(), serveApps(t, 3), store, appbur.RestorePoint{})
	err := exports.beside(func() error { <-ctx.Done(); return ctx.Err() })
	if !errors.Is(err, lost) || !strings.HasPrefix(err.Error(), "no restore point was made: application team/app1") {
		t.Errorf("an application fails: %v", err)
	}

	small := &gauge{wanted: 1, together: make(chan struct{})}
	exports, _ = m.beginExports(t.Context(), serveApps(t, 1), small, appbur.RestorePoint{})
	if err := exports.beside(func() error { return lost }); !errors.Is(err, lost) {
		t.Errorf("the capture fails: %v", err)
	}
}

// heard is an observer that keeps what it is told.
type heard struct {
	mu       sync.Mutex
	parts    []string
	expected int64
	reached  int64
	notes    []string
	begun    func(part string)
}

func (h *heard) Begins(part string, _ progress.Unit, expected int64) {
	h.mu.Lock()
	h.parts, h.expected = append(h.parts, part), expected
	h.mu.Unlock()
	if h.begun != nil {
		h.begun(part)
	}
}

func (h *heard) Reached(done int64, note string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reached, h.notes = max(h.reached, done), append(h.notes, note)
}

func (h *heard) Ends()                {}
func (h *heard) Opened(Opening)       {}
func (h *heard) Read(appbur.Coverage) {}
func (h *heard) Warns(string, error)  {}

// Once the capture has ended, the bytes of the exports are told, of about as many as the
// last point holds, and nothing of them before.
func TestExportsAreToldAfterTheCapture(t *testing.T) {
	target := serveApps(t, 1)[0]
	last := appbur.RestorePoint{Apps: []appbur.AppState{{AppKey: target.AppKey, Datasets: []appbur.Dataset{{Name: "rows", Size: 4 << 20}}}}}
	store := &gauge{wanted: 2, together: make(chan struct{})}
	// The application gets to its bytes when their part has begun.
	observer := &heard{begun: func(string) { close(store.together) }}

	m := &Maker{Random: rand.Reader, Observer: observer}
	exports, _ := m.beginExports(t.Context(), []apps.Target{target}, store, last)
	if err := exports.beside(func() error {
		observer.mu.Lock()
		defer observer.mu.Unlock()
		if len(observer.parts)+len(observer.notes) > 0 {
			t.Errorf("beside the capture it was told of %q", observer.parts)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}

	if want := []string{"exporting 1 application"}; !slices.Equal(observer.parts, want) || observer.expected != 4<<20 {
		t.Errorf("it was told of %q, %d bytes", observer.parts, observer.expected)
	}
	if observer.reached == 0 || observer.notes[len(observer.notes)-1] != "1 of 1 whole" {
		t.Errorf("it was told of %d bytes, %q", observer.reached, observer.notes)
	}
}
