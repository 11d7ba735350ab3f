package backoff_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appbur/appbur/internal/backoff"
)

func TestDelaysDoubleUpToTheMost(t *testing.T) {
	b := backoff.Backoff{First: time.Second, Most: 10 * time.Second}
	for failures, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		if got := b.Delay(failures); got != want*time.Second {
			t.Errorf("Delay(%d) = %s, want %s", failures, got, want*time.Second)
		}
	}
	for _, most := range []time.Duration{b.Most, math.MaxInt64} {
		b.Most = most
		if got := b.Delay(1000); got != most {
			t.Errorf("Delay(1000) = %s, want %s", got, most)
		}
	}
}

func TestJitterIsFixedForAKey(t *testing.T) {
	stretched := map[time.Duration]bool{}
	for _, key := range []string{"", "a", "pods.v1", "1", "2"} {
		got := backoff.Jitter(time.Second, key)
		stretched[got] = true
		if got < time.Second || got > 1500*time.Millisecond || got != backoff.Jitter(time.Second, key) {
			t.Errorf("%q: %s", key, got)
		}
	}
	if len(stretched) < 4 {
		t.Errorf("keys share their jitter: %v", stretched)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := backoff.Sleep(t.Context(), time.Hour); err != nil || time.Since(began) != time.Hour {
			t.Errorf("slept %s: %v", time.Since(began), err)
		}

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		began = time.Now()
		if err := backoff.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) || time.Since(began) != time.Minute {
			t.Errorf("slept %s: %v", time.Since(began), err)
		}
	})
}
