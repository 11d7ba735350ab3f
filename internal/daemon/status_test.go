package daemon

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/exporter"
)

// follow runs a daemon in a bubble, and its status.
func follow(t *testing.T, n *notebook, watcher script) (status *Status, stop func() error) {
	t.Helper()
	status = &Status{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, watcher, n, Options{
			Quiet: time.Second, Limit: 10 * time.Second, Now: time.Now, Log: slog.New(slog.DiscardHandler), Status: status,
		})
	}()
	return status, func() error {
		cancel()
		return <-ended
	}
}

// A loop moves while nothing happens and while much does; one that hangs in a commit is stuck after a while, and
// moves again when the commit ends.
func TestTheStatusTellsALoopThatIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		hangs := false
		n := &notebook{fail: func() error {
			if hangs {
				<-release
			}
			return nil
		}}

		changes := make(chan int)
		status, stop := follow(t, n, func(ctx context.Context, h exporter.Handler) error {
			for {
				select {
				case times := <-changes:
					for range times {
						_ = put(h)
						time.Sleep(500 * time.Millisecond)
					}
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
		moves := func(when string) {
			t.Helper()
			if err := status.Moves(time.Now()); err != nil {
				t.Errorf("%s: %v", when, err)
			}
		}

		moves("before it begins")
		time.Sleep(time.Hour)
		moves("while nothing happens")
		changes <- 1000
		for range 100 {
			time.Sleep(5 * time.Second)
			moves("while much happens")
		}

		hangs = true
		changes <- 1
		time.Sleep(9 * time.Minute)
		moves("in a long commit")
		time.Sleep(2 * time.Minute)
		if err := status.Moves(time.Now()); err == nil || !strings.HasPrefix(err.Error(), "the loop has not moved for 1") ||
			!strings.HasSuffix(err.Error(), "while committing") {
			t.Errorf("stuck in a commit: %v", err)
		}

		close(release)
		time.Sleep(time.Second)
		moves("after the commit")
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// stepping is a watcher that does what a test sends it.
type stepping chan func(h exporter.Handler)

func (s stepping) watch(ctx context.Context, h exporter.Handler) error {
	for {
		select {
		case do := <-s:
			do(h)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wantState compares what a question says when all is quiet; no error stands for a word.
func wantState(t *testing.T, ask func() error, none, want string) {
	t.Helper()
	synctest.Wait()
	got := none
	if err := ask(); err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Main is what the cluster is when all types are listed and can be read, and nothing waits to be committed.
func TestTheStatusTellsWhetherMainIsCurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := exporter.Type{Kind: "A"}
		step := make(stepping)
		status, stop := follow(t, &notebook{}, step.watch)
		want := func(text string) {
			t.Helper()
			wantState(t, status.Current, "current", text)
		}

		want("the types of the cluster are not known yet")
		step <- func(h exporter.Handler) { _ = h.Discovered([]exporter.Type{a}) }
		step <- func(h exporter.Handler) { _ = h.Synced(a, appbur.TypeCoverage{Kind: "A", Complete: true}, nil) }
		time.Sleep(time.Minute)
		want("current")
		step <- func(h exporter.Handler) { _ = put(h) }
		want("changes are not committed yet")
		time.Sleep(time.Minute)
		want("current")
		step <- func(h exporter.Handler) { _ = h.Failed(appbur.TypeCoverage{Kind: "A", Reason: "forbidden"}) }
		want("types cannot be read at the moment")

		if err := stop(); err != nil {
			t.Error(err)
		}
		want("the cluster is not watched")
	})
}

// The first list is done when each type was listed, or cannot be; what comes later changes nothing.
func TestTheStatusTellsTheFirstList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kind := func(name string) exporter.Type {
			return exporter.Type{GroupVersionResource: schema.GroupVersionResource{Version: "v1"}, Kind: name}
		}
		step := make(stepping)
		status, stop := follow(t, &notebook{}, step.watch)

		want := func(text string) {
			t.Helper()
			wantState(t, status.Listed, "listed", text)
		}
		want("the types of the cluster are not known yet")
		step <- func(h exporter.Handler) { _ = h.Discovered([]exporter.Type{kind("A"), kind("B"), kind("C")}) }
		want("0 of 3 types are listed")
		step <- func(h exporter.Handler) { _ = h.Synced(kind("A"), appbur.TypeCoverage{Kind: "A", Complete: true}, nil) }
		want("1 of 3 types are listed")
		step <- func(h exporter.Handler) { _ = h.Failed(appbur.TypeCoverage{Kind: "B", Reason: "forbidden"}) }
		step <- func(h exporter.Handler) { _ = h.Gone(kind("C")) }
		want("listed")
		step <- func(h exporter.Handler) { _ = h.Discovered([]exporter.Type{kind("A"), kind("D")}) }
		want("listed")
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
