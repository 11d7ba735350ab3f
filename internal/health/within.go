package health

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Within is a check that fails when the given one has no answer in time. One that hangs, on a disk that
// does, is not begun again while it hangs.
func Within(limit time.Duration, c Check) Check {
	var mu sync.Mutex
	var running chan struct{} // closed when the run that is under way has ended
	var last error

	begin := func(ctx context.Context) chan struct{} {
		mu.Lock()
		defer mu.Unlock()
		if running != nil {
			return running
		}
		ended := make(chan struct{})
		running = ended
		go func() {
			err := c.Run(context.WithoutCancel(ctx))
			mu.Lock()
			defer mu.Unlock()
			last, running = err, nil
			close(ended)
		}()
		return ended
	}

	return Check{Name: c.Name, Run: func(ctx context.Context) error {
		ended := begin(ctx)
		timer := time.NewTimer(limit)
		defer timer.Stop()
		select {
		case <-ended:
			mu.Lock()
			defer mu.Unlock()
			return last
		case <-timer.C:
			return fmt.Errorf("no answer within %s", limit)
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
}
