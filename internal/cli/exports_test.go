package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
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
		address := serveApp(t, "unix://"+filepath.Join(t.TempDir(), "s"),
			contracttest.NewMemory(map[string][]contract.Row{"rows": {contract.Row(`{"id":1}`)}}), contract.Options{
				ID: "example.com", Version: "1.0.0", Log: slog.New(slog.DiscardHandler), SpoolDir: t.TempDir(),
				Datasets: []contract.Dataset{{Name: "rows", Schema: "1.0", Key: []string{"id"}, Clear: true}},
			})
		targets = append(targets, apps.Target{AppKey: appbur.AppKey{Namespace: "team", Name: fmt.Sprint("app", i)}, Address: address})
	}
	return targets
}

// Applications are asked beside the capture, several at once and never more than the
// bound.
func TestExportsRunBesideTheCapture(t *testing.T) {
	e, _, _ := testEnv(false)
	e.rand = rand.Reader
	store := &gauge{wanted: parallelExports, together: make(chan struct{})}
	exports, _ := beginExports(t.Context(), e, serveApps(t, 2*parallelExports), apps.Dialer{}, store, appbur.RestorePoint{})
	// The capture ends only when the exports have come together: they do not wait for
	// it.
	if err := exports.beside(e, func() error { <-store.together; return nil }); err != nil {
		t.Fatal(err)
	}
	if store.most != parallelExports || store.whole != 2*parallelExports {
		t.Errorf("%d at once, %d in all", store.most, store.whole)
	}
}

// Whoever fails first ends all others, and is what the user hears of.
func TestExportsAndCaptureFailTogether(t *testing.T) {
	e, _, _ := testEnv(false)
	e.rand = rand.Reader
	open := make(chan struct{})
	close(open)
	lost := errors.New("lost")
	store := &gauge{together: open, fail: "app1", failure: lost}
	exports, ctx := beginExports(t.Context(), e, serveApps(t, 3), apps.Dialer{}, store, appbur.RestorePoint{})
	err := exports.beside(e, func() error { <-ctx.Done(); return ctx.Err() })
	if !errors.Is(err, lost) || !strings.HasPrefix(err.Error(), "no restore point was made: application team/app1") {
		t.Errorf("an application fails: %v", err)
	}

	small := &gauge{wanted: 1, together: make(chan struct{})}
	exports, _ = beginExports(t.Context(), e, serveApps(t, 1), apps.Dialer{}, small, appbur.RestorePoint{})
	if err := exports.beside(e, func() error { return lost }); !errors.Is(err, lost) {
		t.Errorf("the capture fails: %v", err)
	}
}

// Once the capture has ended, the bytes of the exports are drawn, of about as many as the
// last point holds.
func TestExportsAreDrawnAfterTheCapture(t *testing.T) {
	w := newSlowWorld(t)
	target := apps.Target{AppKey: appbur.AppKey{Namespace: "team", Name: "app"}, Address: serveRows(t, 20_000)}
	last := appbur.RestorePoint{Apps: []appbur.AppState{{AppKey: target.AppKey, Datasets: []appbur.Dataset{{Name: "rows", Size: 4 << 20}}}}}

	store := &gauge{wanted: 2, together: make(chan struct{})}
	exports, _ := beginExports(t.Context(), w.env, []apps.Target{target}, apps.Dialer{}, store, last)
	// The application gets to its bytes when their line is there.
	go func() {
		for exports.bar.Load() == nil {
			runtime.Gosched()
		}
		close(store.together)
	}()
	if err := exports.beside(w.env, func() error { return nil }); err != nil {
		t.Fatal(err)
	}

	drawn := strings.Join(w.screen.seen(), "\n")
	want := regexp.MustCompile(`(?m)^exporting 1 application  ~\d+% \[=*> *\]  .*[0-9.]+ MiB/s, ~\d+ s left$`)
	if !want.MatchString(drawn) {
		t.Errorf("drawn:\n%s", drawn)
	}
}
