package daemon

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pushes runs a pusher for a while and returns when it pushed.
func pushes(t *testing.T, span time.Duration, all func(n int) bool, script func(p *Pusher)) []time.Duration {
	t.Helper()
	began := time.Now()
	var times []time.Duration
	p := NewPusher(func(context.Context) (bool, error) {
		times = append(times, time.Since(began))
		return all(len(times)), nil
	}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	script(p)
	running.Wait()
	return times
}

func TestARemoteThatIsDownIsTriedLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := pushes(t, 40*time.Second, func(int) bool { return false }, (*Pusher).Want)
		// After 5, 10 and 20 seconds more, and once on the way out.
		want := []time.Duration{0, 5 * time.Second, 15 * time.Second, 35 * time.Second, 40 * time.Second}
		if !slices.Equal(got, want) {
			t.Errorf("pushes at %v, want %v", got, want)
		}
	})
}

func TestRemotesThatHoldEverythingAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := pushes(t, time.Hour, func(n int) bool { return n != 2 }, func(p *Pusher) {
			p.Want()
			time.Sleep(time.Minute)
			p.Want()
		})
		want := []time.Duration{0, time.Minute, time.Minute + 5*time.Second}
		if !slices.Equal(got, want) {
			t.Errorf("pushes at %v, want %v", got, want)
		}
	})
}

func TestWhatIsLeftIsPushedOnTheWayOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended error
		p := NewPusher(func(ctx context.Context) (bool, error) {
			ended = ctx.Err()
			return true, ended
		}, slog.New(slog.NewTextHandler(io.Discard, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		ended = context.Canceled
		p.Want()
		p.Run(ctx)
		if ended != nil {
			t.Errorf("the last push had %v", ended)
		}
	})
}
