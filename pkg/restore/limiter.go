package restore

import (
	"context"
	"sync"
	"time"
)

// limiter decides how many requests run at the same time: one more after a round
// of answers, half as many when the server says that it is too much. It stops
// all requests for as long as the server requests.
type limiter struct {
	mu      sync.Mutex
	limit   int
	highest int
	answers int
	pause   chan struct{} // closed at the end of a pause; nil when there is none
}

func newLimiter(highest int) *limiter {
	return &limiter{limit: highest, highest: highest}
}

// current returns how many requests may run now.
func (l *limiter) current() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit
}

// answered takes note of an answer that was no complaint.
func (l *limiter) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answers++; l.answers >= l.limit {
		l.answers = 0
		l.limit = min(l.limit+1, l.highest)
	}
}

// throttled takes note of a complaint. All complaints during one pause count as
// one: they are about the same crowd.
func (l *limiter) throttled(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pause != nil {
		return
	}
	l.limit = max(1, l.limit/2)
	l.answers = 0
	pause := make(chan struct{})
	l.pause = pause
	time.AfterFunc(d, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.pause = nil
		close(pause)
	})
}

// wait returns when no pause is on.
func (l *limiter) wait(ctx context.Context) error {
	for {
		l.mu.Lock()
		pause := l.pause
		l.mu.Unlock()
		if pause == nil {
			return ctx.Err()
		}
		select {
		case <-pause:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
