package backoff

import (
	"context"
	"hash/fnv"
	"time"
)

// Backoff says how long to wait between tries: First, then twice as long each time,
// never more than Most.
type Backoff struct {
	First, Most time.Duration
	// Tries bounds the number of tries for callers that give up; 0 where none does.
	Tries int
}

// Delay is how long to wait after a number of failures before this one: Delay(0) is the
// wait after the first.
func (b Backoff) Delay(failures int) time.Duration {
	delay := b.First
	for range failures {
		if delay >= b.Most-delay {
			return b.Most
		}
		delay *= 2
	}
	return delay
}

// Jitter stretches a duration by up to a half, by a fixed share for each key, so that
// those that failed together do not all come back in the same moment.
func Jitter(d time.Duration, key string) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return d + d/2*time.Duration(h.Sum32()%1024)/1024
}

// Sleep waits for d. It returns the error of ctx at once when that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
