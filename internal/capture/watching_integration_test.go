//go:build integration

package capture_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/capture"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/faultproxy"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

// TestNoFileGoesWhileWatching runs what `appbur run` runs against a server that
// changes, through a proxy that breaks lists, watches and discovery at random. No
// commit removes a file whose object was alive; in the end the repository holds what
// a new one would.
func TestNoFileGoesWhileWatching(t *testing.T) {
	for i, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel() // the clusters have nothing in common
			seed := number(t, "APPBUR_SEED", uint64(time.Now().UnixNano()))
			t.Logf("APPBUR_SEED=%d repeats the schedule", seed)
			w := newWorld(t, version, faultproxy.Protocol(i%2 == 0))
			s := newSchedule(w, seed, fmt.Sprintf("watched%d", i))
			// A kind that is deleted while no watch runs: there is no event for it.
			s.undefine()

			r := s.watch()
			s.eventually("what went before the watch is committed", func() error { return s.hasNone(widgetsFile, "/widget.example.org/") })
			for range 8 {
				s.proxy.Set(s.watchFaults()...)
				if s.random.IntN(2) == 0 {
					s.proxy.Disconnect()
				}
				s.change()
				time.Sleep(time.Duration(s.random.IntN(700)) * time.Millisecond) // any moment will do
			}
			s.proxy.Set()
			if !s.defined {
				s.define()
			}
			s.born()
			s.eventually("main catches up", func() error { return s.caughtUp() })
			s.undefine()
			s.eventually("the kind that went is committed", func() error { return s.hasNone(widgetsFile, "/widget.example.org/") })
			if err := r.stop(); err != nil {
				t.Error(err)
			}
			r.check(s)
			tip := s.git(t, "rev-parse", "main")
			s.equalsFresh()
			if now := s.git(t, "rev-parse", "main"); now != tip {
				t.Errorf("a backup after the watch has something to commit:\n%s", s.git(t, "show", "--stat", "main"))
			}
		})
	}
}

// watchFaults are a few things that go wrong on the way to the server.
func (s *schedule) watchFaults() []faultproxy.Rule {
	faults := map[string]faultproxy.Fault{
		"close": faultproxy.CloseWatch(), "forget": faultproxy.ForgetWatch(), "break": faultproxy.BreakWatch(), "reset": faultproxy.Reset(),
		"gone": faultproxy.Expired(), "busy": faultproxy.TooManyRequests(0), "refuse": faultproxy.Status(403, "Forbidden", "no"),
		"garbage": faultproxy.Garbage(),
		"silent":  s.proxy.Silent(), "not found": faultproxy.Status(404, "NotFound", "no such path"),
	}
	names := slices.Sorted(maps.Keys(faults))
	script := []faultproxy.Rule{{Match: faultproxy.Watch, Times: 1 + s.random.IntN(30), Fault: faults[names[s.random.IntN(len(names))]]}}
	for range s.random.IntN(3) {
		_, rule := s.fault()
		script = append(script, rule)
	}
	return script
}

// watching is a running watch and what it committed.
type watching struct {
	cancel context.CancelFunc
	ended  chan error

	mu      sync.Mutex
	commits []committed
}

// committed is a commit and what was dead on the server when it had been made.
type committed struct {
	commit string
	dead   map[string]bool
}

func (s *schedule) watch() *watching {
	s.Helper()
	o := options
	o.Silence, o.Rediscover = time.Second, time.Second
	source, err := exporter.New(s.proxy.RESTConfig(), manifest.Default(), o)
	if err != nil {
		s.Fatal(err)
	}
	writer := s.writer(s.archive)
	ctx, cancel := context.WithCancel(s.ctx)

	r := &watching{cancel: cancel, ended: make(chan error, 1)}
	go func() {
		r.ended <- daemon.Run(ctx, source, writer, daemon.Options{
			Quiet: 100 * time.Millisecond, Limit: time.Second, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Forget: func(ctx context.Context, known appbur.Coverage) error {
				_, err := capture.ForgetKinds(ctx, source, writer, known)
				return err
			},
			Committed: func(outcome repository.Outcome) {
				s.mu.Lock()
				defer s.mu.Unlock()
				r.mu.Lock()
				defer r.mu.Unlock()
				r.commits = append(r.commits, committed{outcome.Commit.String(), maps.Clone(s.dead)})
			},
		})
	}()

	s.Cleanup(func() { _ = r.stop() })
	return r
}

func (r *watching) stop() error {
	r.cancel()
	err := <-r.ended
	r.ended <- nil
	return err
}

// check looks at every file that a commit removed.
func (r *watching) check(s *schedule) {
	s.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	gone := 0
	for _, c := range r.commits {
		for line := range strings.Lines(s.git(s, "diff-tree", "-r", "--no-commit-id", "--name-only", "--diff-filter=D", c.commit)) {
			path := strings.TrimSpace(line)
			if !c.dead[path] {
				s.Errorf("commit %.12s removes %s, whose object was alive", c.commit, path)
			}
			gone++
		}
	}
	s.Logf("%d commits, %d files went", len(r.commits), gone)
	if gone == 0 {
		s.Error("the schedule tried nothing")
	}
}

// hasNone reports files on main whose path contains one of the texts.
func (s *schedule) hasNone(texts ...string) error {
	for path := range s.tree(s) {
		for _, text := range texts {
			if strings.Contains(path, text) {
				return fmt.Errorf("%s is there", path)
			}
		}
	}
	return nil
}

// caughtUp reports objects that exist and are not on main, and deleted ones that are.
func (s *schedule) caughtUp() error {
	tree := s.tree(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	for path := range s.alive {
		if _, there := tree[path]; !there {
			return fmt.Errorf("%s is missing", path)
		}
	}
	for path := range s.dead {
		_, alive := s.alive[path]
		if _, there := tree[path]; there && !alive {
			return fmt.Errorf("%s is left over", path)
		}
	}
	return nil
}
