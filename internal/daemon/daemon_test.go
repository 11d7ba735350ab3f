package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
)

// script is a watcher that does what a test says.
type script func(ctx context.Context, h exporter.Handler) error

func (s script) Watch(ctx context.Context, h exporter.Handler) error { return s(ctx, h) }

// notebook is a writer that notes commits: when, and how many changes each had.
type notebook struct {
	began time.Time

	mu      sync.Mutex
	pending int
	commits []entry
	fail    func() error
	seen    []appbur.Coverage
}

type entry struct {
	after   time.Duration
	changes int
}

func (n *notebook) Put(manifest.Result) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pending++
	return nil
}

func (n *notebook) Changed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pending > 0
}

func (n *notebook) Delete(appbur.ObjectID, manifest.Revision) error { return nil }

func (n *notebook) KeepOnly(appbur.GroupKind, map[string]struct{}) error { return nil }

func (n *notebook) Doubt(appbur.GroupKind) {}

func (n *notebook) Commit(ctx context.Context, at time.Time, c appbur.Coverage) (repository.Outcome, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return repository.Outcome{}, err
	}
	if n.fail != nil {
		if err := n.fail(); err != nil {
			return repository.Outcome{}, err
		}
	}
	n.commits = append(n.commits, entry{at.Sub(n.began), n.pending})
	n.seen = append(n.seen, c)
	n.pending = 0
	return repository.Outcome{Committed: true}, nil
}

func run(t *testing.T, n *notebook, span time.Duration, s script) error {
	t.Helper()
	n.began = time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	return Run(ctx, s, n,
		Options{Quiet: 2 * time.Second, Limit: 15 * time.Second, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

func put(h exporter.Handler) error { return h.Put(exporter.Type{}, manifest.Result{}) }

func TestACommitWaitsUntilItIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notebook{}
		err := run(t, n, time.Minute, func(ctx context.Context, h exporter.Handler) error {
			for range 5 { // one second apart: never quiet
				_ = put(h)
				time.Sleep(time.Second)
			}
			<-ctx.Done()
			return ctx.Err()
		})
		// The fifth change comes after 4 s, and 2 s of quiet follow.
		if want := []entry{{6 * time.Second, 5}}; err != nil || !slices.Equal(n.commits, want) {
			t.Errorf("commits %v, want %v (%v)", n.commits, want, err)
		}
	})
}

func TestABusyClusterIsCommittedAsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notebook{}
		_ = run(t, n, 40*time.Second, func(ctx context.Context, h exporter.Handler) error {
			for ctx.Err() == nil {
				_ = put(h)
				time.Sleep(time.Second)
			}
			return ctx.Err()
		})
		if len(n.commits) < 2 || n.commits[0].after > 16*time.Second {
			t.Errorf("commits %v", n.commits)
		}
	})
}

// The first commit of a cluster is one commit, however long the lists take: a history does not begin with half a
// cluster, also when the daemon is stopped meanwhile. Later ones do not wait.
func TestTheFirstCommitIsTheWholeCluster(t *testing.T) {
	types := []exporter.Type{{Kind: "ConfigMap"}, {Kind: "Secret"}}
	listing := func(second time.Duration) script {
		return func(ctx context.Context, h exporter.Handler) error {
			_ = h.Discovered(types)
			_ = put(h)
			_ = h.Synced(types[0], appbur.TypeCoverage{Kind: types[0].Kind, Complete: true}, nil)
			select {
			case <-time.After(second):
			case <-ctx.Done():
				for range 3 { // what a list has read already still comes
					_ = put(h)
					time.Sleep(time.Second)
				}
				return ctx.Err()
			}
			_ = put(h)
			_ = h.Synced(types[1], appbur.TypeCoverage{Kind: types[1].Kind, Complete: true}, nil)
			time.Sleep(time.Minute)
			_ = put(h)
			<-ctx.Done()
			return ctx.Err()
		}
	}

	for _, test := range []struct {
		name   string
		first  bool
		second time.Duration
		want   []entry
		// told is how often it says that it ends too early.
		told int
	}{
		{"the first", true, 303 * time.Second, []entry{{305 * time.Second, 2}, {365 * time.Second, 1}}, 0},
		{"a later one", false, 303 * time.Second, []entry{{2 * time.Second, 1}, {305 * time.Second, 1}, {365 * time.Second, 1}}, 0},
		{"stopped meanwhile", true, time.Hour, nil, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &notebook{began: time.Now()}
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				var log bytes.Buffer
				err := Run(ctx, listing(test.second), n, Options{
					Quiet: 2 * time.Second, Limit: 15 * time.Second, Now: time.Now, First: test.first, Log: slog.New(slog.NewTextHandler(&log, nil)),
				})
				if err != nil || !slices.Equal(n.commits, test.want) {
					t.Errorf("commits %v, want %v (%v)", n.commits, test.want, err)
				}
				if told := strings.Count(log.String(), "it ends before all types are listed"); told != test.told {
					t.Errorf("told %d times, want %d:\n%s", told, test.told, &log)
				}
			})
		})
	}
}

// What was gathered when the signal comes is committed on the way out.
func TestTheLastChangesAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notebook{}
		err := run(t, n, 10*time.Second, func(ctx context.Context, h exporter.Handler) error {
			time.Sleep(9500 * time.Millisecond)
			_ = put(h)
			<-ctx.Done()
			return ctx.Err()
		})
		if err != nil || len(n.commits) != 1 || n.commits[0].changes != 1 {
			t.Errorf("commits %v (%v)", n.commits, err)
		}
	})
}

// A guard refuses the changes and is run again with the next change.
func TestAGuardDoesNotEndTheDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusals := 0
		n := &notebook{fail: func() error {
			if refusals++; refusals == 1 {
				return &repository.GuardError{Err: errors.New("too many are gone")}
			}
			return nil
		}}

		err := run(t, n, time.Minute, func(ctx context.Context, h exporter.Handler) error {
			_ = put(h)
			time.Sleep(10 * time.Second)
			_ = put(h)
			<-ctx.Done()
			return ctx.Err()
		})
		if err != nil || len(n.commits) != 1 || n.commits[0].changes != 2 {
			t.Errorf("commits %v (%v)", n.commits, err)
		}
	})
}

// A disk that is full ends nothing: what was gathered is committed once there is room, without another change.
func TestAFullDiskIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		n := &notebook{began: time.Now(), fail: func() error {
			if tries++; tries <= 5 {
				return fmt.Errorf("commit: %w", gitsync.ErrNoSpace)
			}
			return nil
		}}
		err := run(t, n, 10*time.Minute, func(ctx context.Context, h exporter.Handler) error {
			_ = put(h)
			_ = put(h)
			<-ctx.Done()
			return ctx.Err()
		})
		if err != nil || len(n.commits) != 1 || n.commits[0].changes != 2 || n.commits[0].after > 2*time.Minute {
			t.Errorf("commits %v after %d tries (%v)", n.commits, tries, err)
		}
	})
}

// A repository that cannot be written to and a watch that gives up end the daemon
// with their error.
func TestFailuresEndTheDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		err := run(t, &notebook{fail: func() error { return full }}, time.Minute, func(ctx context.Context, h exporter.Handler) error {
			_ = put(h)
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
		gone := errors.New("gone")
		if err := run(t, &notebook{}, time.Minute, func(context.Context, exporter.Handler) error { return gone }); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	})
}

// The coverage in a commit shows what could not be read, and forgets it when it
// can be read again.
func TestCoverageFollowsTheWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notebook{}
		whole := appbur.TypeCoverage{Kind: "ConfigMap", Resource: "configmaps", Complete: true}

		broken := appbur.TypeCoverage{Kind: "ConfigMap", Resource: "configmaps", Reason: "forbidden"}
		_ = run(t, n, time.Minute, func(ctx context.Context, h exporter.Handler) error {
			_ = h.Failed(broken)
			_ = h.Holes([]appbur.GroupFailure{{GroupVersion: "x.example/v1"}})
			_ = put(h)
			time.Sleep(10 * time.Second)
			_ = h.Synced(exporter.Type{}, whole, nil)
			_ = h.Holes(nil)
			_ = put(h)
			<-ctx.Done()
			return ctx.Err()
		})

		if len(n.seen) != 2 || n.seen[0].Complete() || len(n.seen[0].Groups) != 1 || !n.seen[1].Complete() {
			t.Errorf("coverage %+v", n.seen)
		}
	})
}

// Forget is called when the set of types has changed, and not before every commit:
// it looks at all files.
func TestForgetFollowsTheTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &notebook{began: time.Now()}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()

		var calls [][]string
		forget := func(_ context.Context, c appbur.Coverage) error {
			var kinds []string
			for _, each := range c.Types {
				kinds = append(kinds, each.Kind)
			}
			calls = append(calls, kinds)
			return nil
		}

		watcher := script(func(ctx context.Context, h exporter.Handler) error {
			step := func() { time.Sleep(time.Minute) }
			_ = h.Synced(exporter.Type{}, appbur.TypeCoverage{Kind: "A", Complete: true}, nil)
			step()
			_ = put(h)
			_ = h.Synced(exporter.Type{}, appbur.TypeCoverage{Kind: "A", Complete: true}, nil)
			step()
			_ = h.Failed(appbur.TypeCoverage{Kind: "B", Reason: "no"})

			_ = put(h)
			step()
			_ = h.Holes([]appbur.GroupFailure{{GroupVersion: "x.example/v1"}})
			step()
			_ = h.Gone(exporter.Type{Kind: "B"})
			step()
			<-ctx.Done()
			return ctx.Err()
		})

		err := Run(ctx, watcher, n,
			Options{Quiet: time.Second, Limit: time.Second, Now: time.Now, Log: slog.New(slog.DiscardHandler), Forget: forget})
		want := [][]string{{"A"}, {"A", "B"}, {"A", "B"}, {"A"}}
		if err != nil || !slices.EqualFunc(calls, want, slices.Equal[[]string]) {
			t.Errorf("called with %v (%v), want %v", calls, err, want)
		}
	})
}

// What was gathered when another cluster answers is not committed, on the way out
// neither.
func TestNothingOfAnotherClusterIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := errors.New("another cluster")
		for name, watch := range map[string]error{"the watch goes on": nil, "the watch ends": other} {
			n := &notebook{}
			watcher := script(func(ctx context.Context, h exporter.Handler) error {
				_ = put(h)
				if watch != nil {
					return watch
				}
				<-ctx.Done()
				return ctx.Err()
			})

			err := Run(t.Context(), watcher, n, Options{
				Quiet: time.Second, Limit: time.Second, Now: time.Now, Log: slog.New(slog.DiscardHandler),
				Confirm: func(context.Context) error { return other },
			})
			if !errors.Is(err, other) || len(n.commits) > 0 {
				t.Errorf("%s: %v, commits %v", name, err, n.commits)
			}
		}
	})
}
