package daemon

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
)

// A new pace takes effect also for what is waited for at the moment, and nothing that was gathered is lost.
func TestANewPaceTakesEffectAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		first, then Pace
		want        []entry
	}{
		"quieter":                 {Pace{Quiet: time.Hour, Limit: 2 * time.Hour}, Pace{Quiet: 5 * time.Second, Limit: time.Minute}, []entry{{15 * time.Second, 1}}},
		"shorter":                 {Pace{Quiet: time.Hour, Limit: 2 * time.Hour}, Pace{Quiet: time.Hour, Limit: 5 * time.Second}, []entry{{10 * time.Second, 1}}},
		"longer":                  {Pace{Quiet: 11 * time.Second, Limit: time.Minute}, Pace{Quiet: 20 * time.Second, Limit: time.Minute}, []entry{{30 * time.Second, 1}}},
		"within the longer limit": {Pace{Quiet: time.Hour, Limit: 2 * time.Hour}, Pace{Quiet: time.Hour, Limit: time.Minute}, []entry{{time.Minute, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &notebook{began: time.Now()}
				paces := make(chan Pace)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()

				err := Run(ctx, script(func(ctx context.Context, h exporter.Handler) error {
					_ = put(h)
					time.Sleep(10 * time.Second)
					paces <- test.then
					<-ctx.Done()
					return ctx.Err()
				}), n, Options{
					Quiet: test.first.Quiet, Limit: test.first.Limit, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Paces: paces,
				})
				if err != nil || !slices.Equal(n.commits, test.want) {
					t.Errorf("commits %v, want %v (%v)", n.commits, test.want, err)
				}
			})
		})
	}
}

// What a guard has kept back is tried again with the new settings, although nothing else changes.
func TestANewPaceTriesAgainWhatAGuardKeptBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		allowed := false
		n := &notebook{began: time.Now(), fail: func() error {
			if allowed {
				return nil
			}
			return &repository.GuardError{Err: errors.New("too many are gone")}
		}}
		paces := make(chan Pace)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()

		err := Run(ctx, script(func(ctx context.Context, h exporter.Handler) error {
			_ = put(h)
			time.Sleep(time.Minute)
			n.mu.Lock() // fail is called with it held
			allowed = true
			n.mu.Unlock()
			paces <- Pace{Quiet: 3 * time.Second, Limit: time.Minute}
			<-ctx.Done()
			return ctx.Err()
		}), n, Options{
			Quiet: time.Second, Limit: time.Minute, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Paces: paces,
		})
		if want := []entry{{63 * time.Second, 1}}; err != nil || !slices.Equal(n.commits, want) {
			t.Errorf("commits %v, want %v (%v)", n.commits, want, err)
		}
	})
}
